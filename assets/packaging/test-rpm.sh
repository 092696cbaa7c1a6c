#!/usr/bin/env bash
# test-rpm.sh DIST: each .rpm has good digests, the files of its .deb, configuration marked as that, and scripts that a shell takes.
set -euo pipefail
source "$(dirname "$0")/test-kit.sh"
cd "$1"

declare -A arch=([x86_64]=amd64 [aarch64]=arm64 [armv7hl]=armhf [riscv64]=riscv64)
files() { grep -v -e '^/usr/share/zsh/' -e '^/usr/share/lintian/' | LC_ALL=C sort; } # what is each distribution's own

for rpm in *.rpm; do
  is "$(rpm -K "$rpm" 2>&1)" "$rpm: digests OK" "rpm -K"
  read -r name version machine <<<"$(rpm -qp --qf '%{NAME} %{VERSION} %{ARCH}\n' "$rpm")"
  deb=${name}_${version}_${arch[$machine]}.deb
  there "$deb"
  is "$(dpkg-deb -f "$deb" Package) $(dpkg-deb -f "$deb" Version)" "$name $version" "$deb"
  diff <(rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$rpm" | awk '$1 !~ /^d/ { print $2 }' | files) <(dpkg-deb -c "$deb" | awk '$1 !~ /^d/ { print substr($6, 2) }' | files) || die "$rpm and $deb differ in files"
  is "$(rpm -qpc "$rpm" | sort)" "$(dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./conffiles | sort)" "configuration of $rpm"
  [[ $(rpm -qp --qf '[%{FILEUSERNAME}:%{FILEGROUPNAME}\n]' "$rpm" | sort -u) == root:root ]] || die "$rpm: files of others than root"
  for script in PREIN POSTIN PREUN POSTUN; do
    [[ $(rpm -qp --qf "%{$script}" "$rpm") == '(none)' ]] || rpm -qp --qf "%{$script}" "$rpm" | sh -n || die "$rpm: $script is no shell script"
  done
  holds "$(rpm -qp --scripts "$rpm")" "postinstall scriptlet" "preuninstall scriptlet" "postuninstall scriptlet"
  ! { rpm -qpil "$rpm" && dpkg-deb -f "$deb" && dpkg-deb -c "$deb"; } | grep -F '${' || die "$rpm, $deb: a variable that was not replaced"
  [[ -z $(rpm -qp --obsoletes "$rpm") ]] || die "$rpm takes another's place by itself"
  ! rpm -qp --qf '%{BUILDHOST}' "$rpm" | grep -qF "$(hostname)" || die "$rpm tells the builder's name"
done
echo "$(ls ./*.rpm | wc -l) packages"
