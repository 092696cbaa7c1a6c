#!/usr/bin/env bash
# build.sh OUT: archives, packages, bills of materials and their checksums into OUT. `make dist` calls it and says with what:
#   VERSION     what the programs say they are             TOOLS  where nfpm and cyclonedx-gomod are
#   MAINTAINER  name and address in the packages           ONLY   a pattern for lines of targets(), to build a part
# The same commit gives the same bytes, wherever and whenever it is built with the same Go.
set -euo pipefail
cd "$(dirname "$0")/../.."

# targets: program, system, processor; provagent-tpm is provagent built with the tag tpm.
targets() {
  local arch
  for arch in amd64 arm64 armv7; do echo "provstation linux $arch"; done
  for arch in amd64 arm64; do echo "provstation darwin $arch"; done
  echo "provstation windows amd64"
  for arch in amd64 arm64 armv7 riscv64; do
    echo "provagent linux $arch"
    echo "provagent-tpm linux $arch"
  done
}

build() { # package system processor output [tags]
  local goarch=$3 tags=${5:-}
  [[ $1 != provagent* ]] || tags="${tags:+$tags,}nethttpomithttp2" # as the Makefile has it
  [[ $3 != armv7 ]] || goarch=arm
  GOOS=$2 GOARCH=$goarch GOARM=7 go build -trimpath -tags "$tags" -ldflags "-s -w -X main.version=$VERSION" -o "$4" "./cmd/${1%-tpm}"
}

# squeeze compresses without the name and the time of the file.
squeeze() { gzip -9n; }

# shared makes what is the same for every target: manual, completions, documents.
shared() {
  local p shell
  mkdir -p "$WORK/host"
  for p in provstation provagent; do
    mkdir -p "$WORK/$p"/{man,completions,doc}
    # The host's own program, whatever this host is.
    go build -trimpath -tags mandoc -ldflags "-X main.version=$VERSION" -o "$WORK/host/$p" "./cmd/$p"
    "$WORK/host/$p" man-pages "$WORK/$p/man"
    rm -f "$WORK/$p"/man/*-completion*.1
    sed -i "s/, *\\\\fB$p-completion(1)\\\\fP//; s/\\\\fB$p-completion(1)\\\\fP, *//" "$WORK/$p/man/$p.1"
    for shell in bash fish; do "$WORK/host/$p" completion $shell >"$WORK/$p/completions/$p.$shell"; done
    "$WORK/host/$p" completion zsh >"$WORK/$p/completions/_$p"
    "$WORK/host/$p" completion powershell >"$WORK/$p/completions/$p.ps1"
  done
  cp -R README.md docs "$WORK/provstation/doc/"
  mkdir "$WORK/provstation/doc/examples"
  cp configs/*.yaml "$WORK/provstation/doc/examples/"
  cp docs/device.md docs/install.md docs/tpm.md docs/renewal.md "$WORK/provagent/doc/"
}

# notices prints the licenses of everything that is linked into a program. A library without one stops the build.
notices() {
  local path dir file found
  echo "Go (https://go.dev), its standard library and runtime"
  cat "$(go env GOROOT)/LICENSE"
  go version -m "$1" | awk '$1 == "dep" { print $2 }' | xargs go list -m -f '{{.Path}} {{.Version}} {{.Dir}}' |
    while read -r path version dir; do
      printf '\n%s\n%s %s\n' "--------------------------------------------------------------------------------" "$path" "$version"
      found=
      for file in "$dir"/*; do
        case $(basename "${file^^}") in
        LICENSE* | LICENCE* | COPYING* | NOTICE* | PATENTS*) [[ ! -f $file ]] || { found=yes && echo && cat "$file"; } ;;
        esac
      done
      [[ -n $found ]] || { echo "build.sh: no license found for $path $version" >&2 && return 1; }
    done
}

# archive packs a folder that has the archive's name.
archive() { # folder windows?
  find "$1" -type d -exec chmod 755 {} + && find "$1" -type f -exec chmod u=rwX,go=rX {} +
  find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  local name=${1##*/}
  if [[ $2 == windows ]]; then
    (cd "$(dirname "$1")" && find "$name" -type f | LC_ALL=C sort | TZ=UTC zip -X -q "$OUT/$name.zip" -@)
  else
    tar -C "$(dirname "$1")" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name" |
      gzip -n >"$OUT/$name.tar.gz"
  fi
}

# packages makes the .deb and the .rpm of a target.
packages() { # program processor stage notices
  local program=${1%-tpm} format config page arch=$2
  [[ $arch != armv7 ]] || arch=arm7
  mkdir -p "$3/doc"
  cp -R "$WORK/$program/doc" "$WORK/$program/completions" "$3/"
  rm -f "$3/completions/$program.ps1"
  mkdir "$3/man"
  for page in "$WORK/$program"/man/*.1; do squeeze <"$page" >"$3/man/${page##*/}.gz"; done
  cp assets/packaging/copyright "$3/doc/copyright"
  squeeze <"$4" >"$3/doc/THIRD-PARTY.gz"
  squeeze <CHANGELOG.md >"$3/doc/CHANGELOG.md.gz"
  printf '%s (%s) unstable; urgency=medium\n\n  * What has changed is in CHANGELOG.md.gz.\n\n -- %s  %s\n' \
    "$1" "$PACKAGE_VERSION" "$MAINTAINER" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")" | squeeze >"$3/doc/changelog.gz"
  # What the tree becomes in the package: modes of this repository, not of whoever checked it out.
  find "$3" -type d -exec chmod 755 {} + && find "$3" -type f -exec chmod u=rwX,go=rX {} +
  find "$3" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

  export STAGE=$3 ARCH=$arch PACKAGE=$1 RELEASE VARIANT='' OTHER=provagent-tpm PROVIDES=''
  [[ $1 != provagent-tpm ]] || export VARIANT=', with keys in a TPM' OTHER=provagent PROVIDES=provagent
  for format in deb rpm; do
    RELEASE='' config=assets/packaging/$program.nfpm.yaml
    if [[ $format == rpm ]]; then # an .rpm has a release and a field for its license, which dpkg does not know
      RELEASE=1
      { cat "$config" && echo "license: see /usr/share/doc/$1/copyright"; } >"$3/rpm.yaml"
      config=$3/rpm.yaml
    fi
    "$TOOLS/nfpm" package --config "$config" --packager $format --target "$OUT" >/dev/null
  done
}

# one builds everything of one target.
one() { # program system processor
  local name=$1-$VERSION-$2-$3 program=${1%-tpm} tags='' exe=''
  [[ $1 != *-tpm ]] || tags=tpm
  [[ $2 != windows ]] || exe=.exe
  local dir=$WORK/archive/$1-$2-$3/$name stage=$WORK/stage/$name
  mkdir -p "$dir" "$stage/bin"
  build "$1" "$2" "$3" "$dir/$program$exe" "$tags"
  # The bill of materials comes from what the linker wrote into the program, so it cannot differ from it.
  GOFLAGS=-mod=readonly GOPROXY=off "$TOOLS/cyclonedx-gomod" bin -json -std -noserial -notimestamp -version "$VERSION" \
    -output "$OUT/$name.cdx.json" "$dir/$program$exe" 2>/dev/null
  notices "$dir/$program$exe" >"$dir/THIRD-PARTY.txt"
  if [[ $2 == linux ]]; then
    cp "$dir/$program" "$stage/bin/"
    packages "$1" "$3" "$stage" "$dir/THIRD-PARTY.txt"
    mkdir "$dir/systemd"
    cp assets/systemd/"$program"* assets/packaging/"$program.default" "$dir/systemd/"
  fi
  cp -R "$WORK/$program/man" "$WORK/$program/completions" CHANGELOG.md "$dir/"
  if [[ $program == provstation ]]; then
    cp -R README.md docs configs "$dir/"
    rm -f "$dir"/configs/*.go
    [[ $2 != linux ]] || cp -R assets/udev "$dir/"
    [[ $2 != windows ]] || rm -rf "$dir/man" "$dir"/completions/*[!1]
  else
    mkdir "$dir/docs"
    cp docs/device.md docs/install.md docs/tpm.md docs/renewal.md "$dir/docs/"
  fi
  archive "$dir" "$2"
  echo "$name"
}

if [[ ${1:-} == --one ]]; then
  one $2 # shellcheck disable=SC2086 # three words
  exit
fi

OUT=$(mkdir -p "${1:?usage: build.sh OUT}" && cd "$1" && pwd)
: "${VERSION:=$(git describe --tags --always --dirty)}" "${MAINTAINER:?}" "${TOOLS:?}" "${ONLY:=.}"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
PACKAGE_VERSION=$(assets/packaging/version.sh "$VERSION" "$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S)")
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
export OUT WORK VERSION PACKAGE_VERSION MAINTAINER TOOLS SOURCE_DATE_EPOCH
# What a builder's surroundings would change.
export CGO_ENABLED=0 GOFLAGS= GOAMD64=v1 GOARM64=v8.0 GORISCV64=rva20u64 GOEXPERIMENT= TZ=UTC LC_ALL=C
umask 022

command -v zip >/dev/null || { echo "build.sh: zip is missing (apt-get install zip)" >&2 && exit 1; }
rm -f "$OUT"/prov* "$OUT/SHA256SUMS"
shared
targets | grep -E "$ONLY" | xargs -P "$(nproc)" -I '{}' "$0" --one '{}'
(cd "$OUT" && sha256sum -- prov* >SHA256SUMS && sha256sum --quiet -c SHA256SUMS)
