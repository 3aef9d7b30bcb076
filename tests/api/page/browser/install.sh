#!/bin/sh
# Sees to it that there is a Chromium, and on Debian and Ubuntu a font with Chinese. Without the means to install them it
# says so and goes on: the tests in the browser are then skipped.
set -eu

has_browser() {
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
}

has_font() {
    command -v fc-list >/dev/null && fc-list :lang=zh | grep -q .
}

if has_browser && has_font; then
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    has_browser || echo 'There is no Chromium: the tests of the page will be skipped. Debian and Ubuntu: apt-get install chromium' >&2
    exit 0
fi
echo 'Installing Chromium and fonts for the tests of the page …' >&2
export DEBIAN_FRONTEND=noninteractive
if ! (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fontconfig fonts-noto-cjk >/dev/null); then
    echo 'Chromium could not be installed: the tests of the page will be skipped.' >&2
fi
