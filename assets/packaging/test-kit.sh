# What the scripts of test-dist share; it is sourced.

step() { echo "== $* (${SECONDS} s)"; }

die() { echo "test-dist: $*" >&2 && exit 1; }

# is: got, want, what it is.
is() { [[ $1 == "$2" ]] || die "$3: got '$1', want '$2'"; }

# holds: a text, and lines or parts that must be in it.
holds() {
  local text=$1 part
  shift
  for part; do [[ $text == *"$part"* ]] || die "'$part' is not in:"$'\n'"$text"; done
}

# there and gone: paths that must exist, or not.
there() { local p; for p; do [[ -e $p || -L $p ]] || die "$p: not there"; done; }
gone() { local p; for p; do [[ ! -e $p && ! -L $p ]] || die "$p: still there"; done; }
