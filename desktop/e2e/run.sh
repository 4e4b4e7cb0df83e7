#!/usr/bin/env bash
# The real window, driven by its own web driver on a private display.
#
#   desktop/e2e/run.sh PROGRAM [JOURNEY...]     PROGRAM is the built daybook-desk
#
# Without a journey: all in journeys/. Screenshots go to $E2E_OUT (default target/e2e). Starts one
# Xvfb and private user folders; stops exactly what it started, also on signals.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 1 ] || [ ! -x "$1" ]; then
	echo "usage: $0 PROGRAM [JOURNEY...]   (build it: cargo build -p desktop --features custom-protocol)" >&2
	exit 2
fi
E2E_PROGRAM=$(readlink -f "$1")
export E2E_PROGRAM
shift
[ $# -gt 0 ] || set -- "$here"/journeys/*.mjs
export E2E_OUT=${E2E_OUT:-$here/../../target/e2e}
mkdir -p "$E2E_OUT"
E2E_OUT=$(readlink -f "$E2E_OUT")

private=$(mktemp -d)
chmod 700 "$private"
export E2E_PRIVATE=$private XDG_RUNTIME_DIR=$private
unset WAYLAND_DISPLAY
export GDK_BACKEND=x11 NO_AT_BRIDGE=1 GSETTINGS_BACKEND=memory LIBGL_ALWAYS_SOFTWARE=1
# Without a graphics card Mesa's llvmpipe draws, and in version 22.3 (Debian 12) it is not safe with
# threads of its own: a drawing thread gives up a scene's list of textures while the web view's
# compositor walks it (lp_scene_is_resource_referenced), and the page's process dies of it. Without
# them llvmpipe draws in the thread that asks.
export LP_NUM_THREADS=0
# One zone for program and journeys, whatever the machine's is: both must mean the same Monday.
export TZ=Etc/UTC
xvfb='' journey=''
cleanup() {
	trap - EXIT INT TERM HUP PIPE
	# `timeout` leads a group of its own, with everything a journey started.
	[ -z "$journey" ] || kill -- "-$journey" 2>/dev/null || true
	[ -z "$xvfb" ] || { kill "$xvfb" 2>/dev/null && wait "$xvfb" 2>/dev/null; } || true
	rm -rf "$private"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP PIPE

# Xvfb picks a free display itself and writes its number down once it can be used.
mkfifo "$private/display"
Xvfb -displayfd 7 -screen 0 1440x1000x24 -nolisten tcp -noreset 7>"$private/display" >"$private/xvfb.log" 2>&1 &
xvfb=$!
if ! read -r -t 30 number <"$private/display"; then
	echo "Xvfb did not start:" >&2
	cat "$private/xvfb.log" >&2
	exit 1
fi
export DISPLAY=:$number

failed=0 passed=0
for file in "$@"; do
	timeout --kill-after=10 "${E2E_SECONDS:-240}" node "$file" &
	journey=$!
	if wait "$journey"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
	journey=''
done
echo "real window: $passed journeys passed, $failed failed"
[ "$failed" -eq 0 ]
