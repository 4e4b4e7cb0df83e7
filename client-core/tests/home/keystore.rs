//! A home whose keys need the system's keystore: late, absent, with another secret, off again, copied.
//!
//! The last test asks a real Secret Service, where `DAYBOOK_SECRET_SERVICE` says that one answers.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use client_core::{
    catalogue::{ErrorCode, HomeReply, HomeRequest, KeystoreView, Refusal},
    home::{Home, Opening},
    keystore::{Keystore, KeystoreFault, SystemKeystore},
    link::Trust,
    sealing::{KeyFile, KeystoreId, KeystoreSecret, Keystored},
};

pub(crate) const PASSPHRASE: &str = "lampe fluss nadel";

/// A keystore in memory that can be told to be silent.
#[derive(Debug, Default)]
struct Drawer {
    kept: Mutex<HashMap<String, [u8; 32]>>,
    fault: Mutex<Option<KeystoreFault>>,
}

impl Drawer {
    fn is(&self, fault: Option<KeystoreFault>) {
        *self.fault.lock().unwrap() = fault;
    }

    fn answers(&self) -> Result<(), KeystoreFault> {
        self.fault.lock().unwrap().map_or(Ok(()), Err)
    }
}

impl Keystore for Drawer {
    fn get(&self, id: KeystoreId) -> Result<KeystoreSecret, KeystoreFault> {
        self.answers()?;
        let kept = self.kept.lock().unwrap();
        let bytes = kept.get(&id.to_string()).ok_or(KeystoreFault::Missing)?;
        Ok(KeystoreSecret::from_bytes(*bytes))
    }

    fn put(&self, kept: &Keystored) -> Result<(), KeystoreFault> {
        self.answers()?;
        let (name, bytes) = (kept.id.to_string(), *kept.secret.expose());
        self.kept.lock().unwrap().insert(name, bytes);
        Ok(())
    }

    fn remove(&self, id: KeystoreId) -> Result<(), KeystoreFault> {
        self.answers()?;
        self.kept.lock().unwrap().remove(&id.to_string());
        Ok(())
    }
}

pub(crate) fn opening() -> Opening {
    Opening::passphrase(PASSPHRASE.to_owned())
}

fn home(path: &Path, keystore: &Arc<dyn Keystore>) -> Home {
    let clock = Arc::new(|| "2026-03-02T08:00:00Z".parse().unwrap());
    let home = Home::open(path, clock, Trust { authorities: None }).unwrap();
    home.keeping(Arc::clone(keystore))
}

/// A practice whose keys need the keystore, and its recovery words.
fn founded(path: &Path, keystore: &Arc<dyn Keystore>) -> String {
    let home = home(path, keystore);
    let request = HomeRequest::Found {
        practice: "Hafen".to_owned(),
        location: "Süd".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        passphrase: PASSPHRASE.to_owned(),
    };
    let HomeReply::Founded { words, .. } = home.request(request).unwrap() else {
        panic!("not founded");
    };
    assert_eq!(status(&home), (false, None));
    assert_eq!(set(&home, true), Ok((true, None)));
    assert_eq!(status(&home), (true, None));
    words.join(" ")
}

fn view(reply: &HomeReply) -> (bool, Option<ErrorCode>) {
    let HomeReply::Keystore(KeystoreView { on, trouble }) = reply else {
        panic!("another reply");
    };
    (*on, *trouble)
}

fn status(home: &Home) -> (bool, Option<ErrorCode>) {
    view(&home.request(HomeRequest::Keystore).unwrap())
}

fn set(home: &Home, on: bool) -> Result<(bool, Option<ErrorCode>), ErrorCode> {
    let reply = home.request(HomeRequest::SetKeystore { on });
    reply.as_ref().map(view).map_err(|refusal| refusal.code)
}

fn code(opened: Result<(), Refusal>) -> ErrorCode {
    opened.unwrap_err().code
}

fn key_file(path: &Path) -> Vec<u8> {
    fs::read(path.join("keys")).unwrap()
}

fn copy_of(path: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(path).unwrap() {
        let file: PathBuf = file.unwrap().path();
        let target = to.join(file.file_name().unwrap());
        if file.is_dir() {
            copy_of(&file, &target);
        } else {
            fs::copy(&file, &target).unwrap();
        }
    }
}

#[test]
fn a_keystore_that_is_late_locked_or_another_changes_no_key_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("home");
    let drawer = Arc::new(Drawer::default());
    let keystore: Arc<dyn Keystore> = drawer.clone();
    founded(&path, &keystore);
    let written = key_file(&path);
    let home = home(&path, &keystore);
    for fault in [KeystoreFault::Late, KeystoreFault::Closed] {
        drawer.is(Some(fault));
        let refusal = home.unlock(&opening()).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::KeystoreSilent, "{fault}");
        assert!(refusal.help.contains("recovery words"), "{}", refusal.help);
    }
    drawer.is(None);
    let wrong = Opening::passphrase("lampe fluss nagel".to_owned());
    assert_eq!(code(home.unlock(&wrong)), ErrorCode::WrongPassphrase);
    // Another secret under the same name.
    let before = drawer.kept.lock().unwrap().clone();
    for bytes in drawer.kept.lock().unwrap().values_mut() {
        *bytes = [7; 32];
    }
    assert_eq!(code(home.unlock(&opening())), ErrorCode::KeystoreMissing);
    drawer.kept.lock().unwrap().clear();
    assert_eq!(code(home.unlock(&opening())), ErrorCode::KeystoreMissing);
    assert!(drawer.kept.lock().unwrap().is_empty(), "no secret was made");
    assert_eq!(key_file(&path), written, "and no key");
    *drawer.kept.lock().unwrap() = before;
    home.unlock(&opening()).unwrap();
    drawer.is(Some(KeystoreFault::Late));
    assert_eq!(status(&home), (true, Some(ErrorCode::KeystoreSilent)));
}

#[test]
fn switched_on_it_needs_an_answer_and_switched_off_the_passphrase_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("home");
    let drawer = Arc::new(Drawer::default());
    let keystore: Arc<dyn Keystore> = drawer.clone();
    founded(&path, &keystore);
    assert_eq!(drawer.kept.lock().unwrap().len(), 1);
    {
        let home = home(&path, &keystore);
        home.unlock(&opening()).unwrap();
        // Further work with the keys keeps the envelope.
        let pin = "2581x".to_owned();
        home.request(HomeRequest::SetPin { pin }).unwrap();
        assert!(
            KeyFile::decode(&key_file(&path))
                .unwrap()
                .keystore()
                .is_some()
        );
        assert_eq!(set(&home, false), Ok((false, None)));
    }
    assert!(drawer.kept.lock().unwrap().is_empty());
    assert!(
        KeyFile::decode(&key_file(&path))
            .unwrap()
            .keystore()
            .is_none()
    );
    let home = home(&path, &keystore);
    drawer.is(Some(KeystoreFault::Closed));
    home.unlock(&opening()).unwrap();
    let written = key_file(&path);
    assert_eq!(set(&home, true), Err(ErrorCode::KeystoreSilent));
    assert_eq!(status(&home), (false, None));
    assert_eq!(key_file(&path), written);
}

#[test]
fn a_copy_and_a_backup_open_elsewhere_with_the_words_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("home");
    let here: Arc<dyn Keystore> = Arc::new(Drawer::default());
    let words = founded(&path, &here);
    let backup = {
        let home = home(&path, &here);
        home.unlock(&opening()).unwrap();
        let to = folder.path().join("backups").display().to_string();
        let HomeReply::BackedUp { file, .. } =
            home.request(HomeRequest::Backup { folder: to }).unwrap()
        else {
            panic!("no backup");
        };
        file
    };
    let elsewhere: Arc<dyn Keystore> = Arc::new(Drawer::default());
    let copied = folder.path().join("copied");
    copy_of(&path, &copied);
    let restored = folder.path().join("restored");
    {
        let home = home(&restored, &elsewhere);
        home.request(HomeRequest::Restore { file: backup }).unwrap();
    }
    for place in [&copied, &restored] {
        let home = home(place, &elsewhere);
        assert_eq!(code(home.unlock(&opening())), ErrorCode::KeystoreMissing);
        let words = words.clone();
        let passphrase = "neue lampe neuer fluss".to_owned();
        let new = Opening::passphrase(passphrase.clone());
        home.request(HomeRequest::Recover { words, passphrase })
            .unwrap();
        assert_eq!(status(&home), (false, None), "switched on again by hand");
        home.lock();
        home.unlock(&new).unwrap();
    }
}

#[test]
fn a_real_secret_service_keeps_the_secret() {
    if std::env::var_os("DAYBOOK_SECRET_SERVICE").is_none() {
        println!("no Secret Service here: not asked");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("home");
    let keystore: Arc<dyn Keystore> = Arc::new(SystemKeystore);
    let words = founded(&path, &keystore);
    assert_eq!(words.split(' ').count(), 24);
    let id = KeyFile::decode(&key_file(&path))
        .unwrap()
        .keystore()
        .unwrap();
    {
        let home = home(&path, &keystore);
        home.unlock(&opening()).unwrap();
        assert_eq!(status(&home), (true, None));
        assert!(keystore.get(id).is_ok());
        assert_eq!(set(&home, false), Ok((false, None)));
    }
    assert_eq!(keystore.get(id).unwrap_err(), KeystoreFault::Missing);
    keystore.remove(id).unwrap();
    home(&path, &keystore).unlock(&opening()).unwrap();
}
