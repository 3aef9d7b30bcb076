#!/bin/sh
# Make a stand-in for a base image such as python:3.11-slim-bookworm from Debian's own packages, for machines that reach
# no registry of images. It trusts the certificates that this machine trusts, so that a proxy with its own works.
# Usage: base_image.sh NAME FOLDER. FOLDER is for temporary files.
set -eu

name=$1
tar=$2/base.tar
suite=${name##*-}
version=${name#*:}
version=${version%%-*}

# usr-is-merged: the other way to merge /usr brings perl. Neither perl nor documentation is in the real image.
mmdebstrap --quiet --variant=minbase --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --include="usr-is-merged,ca-certificates,netbase,tzdata,python$version-venv" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --customize-hook='copy-in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs' \
    --customize-hook="ln -s /usr/bin/python$version \"\$1/usr/local/bin/python\"" \
    --customize-hook="copy-in $(dirname "$0")/pip /usr/local/bin" \
    "$suite" "$tar"
docker import --change 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin' "$tar" "$name"
