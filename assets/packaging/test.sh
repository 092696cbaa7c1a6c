#!/usr/bin/env bash
# test.sh: what `make test-dist` runs. Builds everything, a part of it a second time at another place and with other surroundings, and
# compares; looks into each package and archive; then installs, upgrades, removes and purges the packages of this processor in a
# copy of this system that is thrown away: an overlay over /, so that a real dpkg runs real scripts and this system never sees it.
set -euo pipefail
cd "$(dirname "$0")/../.."
REPO=$PWD HERE=$PWD/assets/packaging
: "${MAINTAINER:?}" "${TOOLS:?}"
export MAINTAINER TOOLS

if [[ $(uname -s) != Linux || $(id -u) != 0 ]] || ! command -v dpkg >/dev/null; then
  echo "test-dist: needs root on a Debian (mounts in a namespace of its own, and dpkg)"
  [[ -z ${PROVSTATION_REQUIRE_REAL:-} ]] && exit 0 || exit 1
fi
[[ -n ${IN_NAMESPACE:-} ]] || IN_NAMESPACE=1 exec unshare --mount --propagation private "$0"

W=$(mktemp -d)
finish() {
  local status=$?
  umount -R "$W/mnt" 2>/dev/null || :
  rm -rf --one-file-system "$W"
  [[ $status == 0 ]] && echo "test-dist: PASS in $SECONDS s" || echo "test-dist: FAIL (line ${BASH_LINENO[0]})"
}
trap finish EXIT
trap 'exit 1' INT TERM
source "$HERE/test-kit.sh"

ARCH=$(dpkg --print-architecture)
case $ARCH in armhf) TARGET=armv7 ;; *) TARGET=$ARCH ;; esac
VERSION=$(git describe --tags --always --dirty) NEXT=v99.0.0

# overlay mounts a writable copy of a folder at $W/mnt/NAME.
overlay() { # folder name
  mkdir -p "$W/mnt"
  mountpoint -q "$W/mnt" || mount -t tmpfs -o mode=755 tmpfs "$W/mnt" # an overlay's upper folder cannot lie on an overlay
  mkdir -p "$W/mnt/$2" "$W/mnt/.$2/upper" "$W/mnt/.$2/work"
  mount -t overlay overlay -o "lowerdir=$1,upperdir=$W/mnt/.$2/upper,workdir=$W/mnt/.$2/work" "$W/mnt/$2"
}

step "versions: mapped, and ordered alike by dpkg and rpm"
"$HERE/test-version.sh"

step "make dist"
make -s dist VERSION="$VERSION" MAINTAINER="$MAINTAINER" DIST="$W/first"
(cd "$W/first" && sha256sum --quiet -c SHA256SUMS && [[ $(wc -l <SHA256SUMS) == $(find . -name 'prov*' | wc -l) ]])

step "the same bytes a second time: another folder, time zone, language, umask"
overlay "$REPO" elsewhere
(cd "$W/mnt/elsewhere" && umask 077 && TZ=Pacific/Auckland LANG=de_DE.UTF-8 VERSION=$VERSION ONLY=amd64 assets/packaging/build.sh "$W/second" >/dev/null)
(cd "$W/first" && sha256sum --quiet -c "$W/second/SHA256SUMS")
echo "$(wc -l <"$W/second/SHA256SUMS") files compared"

step "archives and bills of materials"
"$HERE/test-archives.sh" "$W/first" "$VERSION"

step "what the archives for Windows and macOS are built from: go vet"
for os in windows darwin; do
  # shellcheck disable=SC2046 # one word a package
  GOOS=$os CGO_ENABLED=0 go vet $(GOOS=$os CGO_ENABLED=0 go list -deps ./cmd/provstation | grep '^provstation/')
done

step ".rpm: digests, files, scripts"
"$HERE/test-rpm.sh" "$W/first"

step ".deb: lintian"
lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$W/first"/*_"$ARCH".deb

step "the packages that these are upgraded to, with a configuration file that has changed"
(cd "$W/mnt/elsewhere" && echo "# Changed upstream." | tee -a assets/packaging/provstation.default >>assets/packaging/provagent.default &&
  VERSION=$NEXT ONLY="linux $TARGET" assets/packaging/build.sh "$W/next" >/dev/null)

step "install, upgrade, remove, purge"
before=$(cat /etc/passwd /etc/group | sha256sum; dpkg -l | sha256sum; ls /etc /etc/systemd/system /var/lib /usr/bin | sha256sum)
overlay / root
R=$W/mnt/root
mount --bind /dev "$R/dev" && mount -t proc proc "$R/proc" && mount --bind /sys "$R/sys"
mount -t tmpfs tmpfs "$R/run" && mount -t tmpfs tmpfs "$R/tmp"
mkdir "$R/tmp/pkg" && cp "$W/first"/*_"$ARCH".deb "$W/first"/*.rpm "$R/tmp/pkg/" && cp -R "$W/next" "$R/tmp/pkg/next" && cp "$HERE"/test-*.sh "$R/tmp/"
rm -f "$R"/etc/dpkg/dpkg.cfg.d/* # images for containers leave manual pages and documents out
chroot "$R" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 OLD="$VERSION" NEXT="$NEXT" ARCH="$ARCH" /tmp/test-install.sh
after=$(cat /etc/passwd /etc/group | sha256sum; dpkg -l | sha256sum; ls /etc /etc/systemd/system /var/lib /usr/bin | sha256sum)
[[ $before == "$after" ]] || die "this system is not what it was before"
