#!/bin/sh
# Runs a command in the display at hand, or in a virtual one where there is none.
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && [ -z "${VIRTUAL_DISPLAY:-}" ] || [ "$(uname -s)" != Linux ]; then
    exec "$@"
fi
command -v xvfb-run >/dev/null || {
    echo "error: no display and no xvfb-run; install it: sudo apt-get install -y xvfb" >&2
    exit 1
}
# Two that start at the same time are given numbers far apart, lest they take the same one.
exec xvfb-run -n "${FIRST_DISPLAY:-99}" -a -s "-screen 0 1600x1000x24" "$@"
