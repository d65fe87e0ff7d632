#!/bin/sh
# Qt's wheels bring Qt, not the system libraries it loads. Installs them where that is possible
# (Debian or Ubuntu, as root); elsewhere prints the one line that does it. Never fails the build.
set -u

packages="xvfb libegl1 libgl1 libopengl0 libgl1-mesa-dri libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4
libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-xinerama0 libxcb-shape0 libdbus-1-3"

[ "$(uname -s)" = Linux ] || exit 0
if ! command -v dpkg-query >/dev/null; then
    echo "note: not a Debian system; Qt needs the counterparts of:" $packages >&2
    exit 0
fi

missing=""
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
        echo "note: could not install:$missing" >&2
else
    echo "note: Qt needs system libraries; run: sudo apt-get install -y$missing" >&2
fi
