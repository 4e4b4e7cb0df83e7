//! The Daybook replica: documents, commands, queries, sealing, local store, session.
//!
//! Start with [`catalogue`]: what everything that has a face can ask for.

pub mod book;
pub mod catalogue;
pub mod cli;
pub mod desk;
pub mod documents;
mod export;
pub mod home;
pub mod keystore;
mod kit_page;
pub mod ledger;
pub mod link;
mod picture;
#[cfg(feature = "planted")]
pub mod planted;
pub mod replica;
pub mod sealing;
pub mod session;
pub mod store;

#[cfg(test)]
mod bindings {
    //! The desktop's TypeScript types are written from the catalogue by this test; the committed
    //! files must equal what it writes.
    use ts_rs::TS as _;

    use crate::catalogue::{Answer, Command, Event, HomeReply, HomeRequest, Query, Refusal, Reply};

    const COMMITTED: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../desktop/src/lib/backend/types"
    );

    #[test]
    fn the_committed_types_are_those_of_the_catalogue() {
        let fresh = tempfile::tempdir().unwrap();
        let write = |folder: &std::path::Path| {
            let config = ts_rs::Config::new().with_out_dir(folder);
            Command::export_all(&config).unwrap();
            Query::export_all(&config).unwrap();
            Reply::export_all(&config).unwrap();
            Answer::export_all(&config).unwrap();
            HomeRequest::export_all(&config).unwrap();
            HomeReply::export_all(&config).unwrap();
            Event::export_all(&config).unwrap();
            Refusal::export_all(&config).unwrap();
        };
        if std::env::var_os("DAYBOOK_WRITE_BINDINGS").is_some() {
            write(std::path::Path::new(COMMITTED));
        }
        write(fresh.path());
        for file in std::fs::read_dir(fresh.path()).unwrap() {
            let file = file.unwrap();
            let committed = std::path::Path::new(COMMITTED).join(file.file_name());
            assert_eq!(
                std::fs::read_to_string(&committed).unwrap_or_default(),
                std::fs::read_to_string(file.path()).unwrap(),
                "{} is stale: run this test with DAYBOOK_WRITE_BINDINGS=1",
                file.file_name().display(),
            );
        }
    }
}
