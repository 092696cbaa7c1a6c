# Making keys, installing, sealing, giving up. Whatever fails says err=WORD and a detail, and leaves nothing half done.
# Private keys are written by openssl, by wg and by the shell itself, never named in an argument.
full() { set -- $(df -Pk "$P" 2>/dev/null | tail -n 1); [ "${4:-9999}" -lt 24 ] 2>/dev/null; }
fail() {
w=$1 d=$2
case $d in *"No space left"*|*"Disk quota"*) w=space;; *"Permission denied"*|*"Read-only file"*|*"Operation not permitted"*) w=denied;; esac
[ "$w" = io ] && full && w=space
[ -n "$Z" ] && rm -rf "$Z"
printf 'err=%s\ndetail=%s\n' "$w" "$(printf %s "$d" | tr '\n' ' ' | head -c 160)"
exit 1
}
# try does a command, and fails with what it said.
try() { e=$("$@" 2>&1 >/dev/null) || fail io "$e"; }
ready() {
Z=
umask 077
[ -d "$B" ] || { e=$( (umask 022; mkdir -p "$B") 2>&1) || fail io "$e"; }
[ -d "$P" ] || { try mkdir "$P"; try chmod 755 "$P"; }
return 0
}
last() { l=$(head -n 1 "$P/last" 2>/dev/null); n=$(newest); case $l in ''|*[!0-9]*) l=0;; esac; [ "$l" -gt "$n" ] && n=$l; echo "$n"; }
# put writes standard input to a file, whole or not at all.
put() { e=$({ cat >"$1.tmp" && chmod "$2" "$1.tmp" && mv -f "$1.tmp" "$1"; } 2>&1) || { rm -f "$1.tmp"; fail io "$e"; }; }
retired() { grep -q "^$1\$" "$P/retired" 2>/dev/null; }
retire() { retired "$1" || { tail -n 63 "$P/retired" 2>/dev/null; echo "$1"; } | put "$P/retired" 644 || exit 1; }
answer() {
g=$P/gen$1
echo "gen=$1"
echo "existing=$2"
echo "csr=$(E <"$g/csr.der" | tr -d '\n')"
echo "wg=$(field "$1" wg)"
}
genkey() {
case $1 in
P-256|P-384) set -- EC -pkeyopt "ec_paramgen_curve:$1" -pkeyopt ec_param_enc:named_curve;;
Ed25519) set -- ED25519;;
*) fail args "key type $1";;
esac
e=$(openssl genpkey -algorithm "$@" -out "$Z/key.pem" 2>&1 >/dev/null) || fail io "$e"
}
request() {
d=-sha256
case $2 in P-384) d=-sha384;; Ed25519) d=;; esac
e=$({ printf '[req]\nprompt=no\nutf8=yes\ndistinguished_name=d\nreq_extensions=e\n[d]\nCN=%s\n[e]\nsubjectAltName=DNS:%s\n' "$1" "$1" >"$Z/req.cnf"; } 2>&1) || fail io "$e"
e=$(openssl req -new -key "$Z/key.pem" -config "$Z/req.cnf" $d -outform DER -out "$Z/csr.der" 2>&1 >/dev/null) || fail io "$e"
rm -f "$Z/req.cnf"
}
wgkey() {
if command -v wg >/dev/null; then
e=$({ wg genkey >"$Z/wireguard.key"; } 2>&1) || fail io "$e"
W=$(wg pubkey <"$Z/wireguard.key" 2>/dev/null)
else
e=$({ openssl genpkey -algorithm X25519 -outform DER -out "$Z/x.der" && tail -c 32 "$Z/x.der" | E >"$Z/wireguard.key"; } 2>&1) || fail io "$e"
W=$(openssl pkey -inform DER -in "$Z/x.der" -pubout -outform DER 2>/dev/null | tail -c 32 | E)
rm -f "$Z/x.der"
fi
[ ${#W} = 44 ] || fail io "no WireGuard key"
}
# makekey ENROLL DEVICE TYPE WG makes a generation, or names the one that was made under this enroll id.
makekey() {
ready
n=$(newest) c=$(current)
if [ "$n" != 0 ] && [ "$(field $n enroll)" = "$1" ]; then
sealed "$n" && fail sealed "this enrollment is sealed"
w=0
[ -n "$(field $n wg)" ] && w=1
[ "$(field $n device) $(field $n type) $w" = "$2 $3 $4" ] || fail args "enroll id was used with other arguments"
[ "$(spki "$P/gen$n/key.pem")" = "$(field $n spki)" ] || fail broken "the key is not the one that was made"
answer "$n" 1
return 0
fi
retired "$1" && fail retired "the key of this enroll id is gone"
[ -n "$c" ] && [ "$(field "$c" enroll)" = "$1" ] && fail sealed "this enrollment is sealed"
n=$(($(last)+1))
echo $n | put "$P/last" 644 || exit 1
Z=$P/.new
rm -rf "$Z"
try mkdir "$Z"
genkey "$3"
request "$2" "$3"
W=
[ "$4" = 1 ] && wgkey
s=$(spki "$Z/key.pem")
[ -s "$Z/key.pem" ] && [ -s "$Z/csr.der" ] && [ ${#s} = 64 ] || fail io "the key does not read back"
printf 'enroll=%s\ndevice=%s\ntype=%s\nspki=%s\ncsr=%s\nwg=%s\n' "$1" "$2" "$3" "$s" "$(H <"$Z/csr.der")" "$W" | put "$Z/record" 644 || exit 1
grep -q "^wg=$W\$" "$Z/record" || fail io "the record does not read back"
chmod 755 "$Z"
sync
try mv "$Z" "$P/gen$n"
Z=
sync
sweep "$n" "$c"
answer "$n" 0
}
# sweep drops generations that are neither the newest nor the current one.
sweep() {
for g in "$P"/gen*; do
x=${g##*/gen}
[ -d "$g" ] && [ "$x" != "$1" ] && [ "$x" != "$2" ] || continue
e=$(field "$x" enroll)
[ -n "$e" ] && retire "$e"
rm -rf "$g"
done
rm -rf "$P/.new" "$P/.in"
}
# candidate is the generation that is being built under an enroll id.
candidate() {
n=$(newest)
[ "$n" = 0 ] && fail state "no key yet"
sealed "$n" && fail sealed "the box is sealed"
[ "$(field $n enroll)" = "$1" ] || fail other "another enrollment is in progress"
G=$P/gen$n
}
# receive begins a transfer, piece adds to a file of it.
receive() { ready; candidate "$1"; rm -rf "$P/.in"; try mkdir "$P/.in"; echo ok=1; }
piece() { Z=$P/.in; e=$({ printf %s "$2" | D >>"$P/.in/$1"; } 2>&1) || fail io "$e"; echo "len=$(wc -c <"$P/.in/$1" | tr -d ' ')"; }
# install ENROLL CERTS DEVICE CA WG puts the certificates that were received into files and switches them in at once, if their
# digests are the ones given. WG is - for no tunnel.
install() {
ready
candidate "$1"
I=$P/.in Z=$G/.new
rm -rf "$Z"
try mkdir "$Z"
i=0
while [ $i -lt "$2" ]; do
e=$(openssl x509 -inform DER -in "$I/c$i" -out "$I/p$i" 2>&1 >/dev/null) || fail io "$e"
if [ $i -lt $(($2-1)) ]; then e=$({ cat "$I/p$i" >>"$Z/device.pem"; } 2>&1) || fail io "$e"; fi
if [ $i -gt 0 ]; then e=$({ cat "$I/p$i" >>"$Z/ca-chain.pem"; } 2>&1) || fail io "$e"; fi
i=$((i+1))
done
[ "$(openssl x509 -in "$Z/device.pem" -noout -pubkey 2>/dev/null | openssl pkey -pubin -outform DER 2>/dev/null | H)" = "$(spki "$G/key.pem")" ] || fail certkey "the certificate is for another key"
[ "$5" = - ] || tunnel
same "$3" "$Z/device.pem"
same "$4" "$Z/ca-chain.pem"
[ "$5" = - ] || [ "$(bare "$Z/wg0.conf" | H)" = "$5" ] || fail io "wg0.conf reads back differently"
try chmod 644 "$Z/device.pem" "$Z/ca-chain.pem"
try chmod 755 "$Z"
sync
rm -rf "$G/.old"
[ -d "$G/files" ] && try mv "$G/files" "$G/.old"
try mv "$Z" "$G/files"
Z=
sync
rm -rf "$G/.old" "$P/.in"
echo ok=1
}
same() { x=$(H <"$2"); [ "$x" = "$1" ] || { full && fail space ""; fail digest "${2##*/} reads back differently"; }; }
# tunnel puts the private key into wg0.conf: the one that came, or the box's own.
tunnel() {
f=$G/wireguard.key
[ -f "$I/wgkey" ] && f=$I/wgkey
[ -s "$f" ] || fail state "no WireGuard key was made"
e=$({ read -r y <"$f"
d=
while IFS= read -r x; do
printf '%s\n' "$x"
[ -z "$d" ] && [ "$x" = '[Interface]' ] && { d=1; printf 'PrivateKey = %s\n' "$y"; }
done <"$I/wg" >"$Z/wg0.conf"; [ -n "$d" ]; } 2>&1) || fail io "wg0.conf: $e"
}
# swap makes a symbolic link lead elsewhere, in one step where mv can.
swap() {
rm -rf "$2.tmp"
try ln -s "$1" "$2.tmp"
mv -fT "$2.tmp" "$2" 2>/dev/null && return 0
[ -L "$2" ] && [ -d "$2" ] && rm -f "$2"
try mv -f "$2.tmp" "$2"
}
# visible pairs the names that programs know with the files inside a generation.
visible() { "$@" "$FK" key.pem; "$@" "$FD" files/device.pem; "$@" "$FC" files/ca-chain.pem; "$@" "$FW" files/wg0.conf; "$@" "$FF" files/flag; }
keep() { if theirs "$B/$1"; then try cp -p "$B/$1" "$Z/$2"; fi; }
show_as() {
mine "$B/$1" && return 0
[ -e "$G/$2" ] || [ -e "$B/$1" ] || return 0
swap ".provstation/current/$2" "$B/$1"
}
# seal ENROLL FLAG makes the generation the one that the box's programs see, in one step, with its flag. One that they see already gets
# back what is gone of its names and its flag.
seal() {
ready
n=$(newest) c=$(current)
if sealed "$n" && [ "$(field $n enroll)" = "$1" ]; then echo ok=1; return 0; fi
candidate "$1"
[ -d "$G/files" ] || fail state "nothing is installed"
printf '%s\n' "$2" | put "$G/files/flag" 644 || exit 1
[ "$(cat "$G/files/flag")" = "$2" ] || fail io "the flag reads back differently"
if [ -z "$c" ]; then
Z=$P/.new
rm -rf "$Z" "$P/gen0"
try mkdir -p "$Z/files"
visible keep
chmod 755 "$Z" "$Z/files"
sync
try mv "$Z" "$P/gen0"
Z=
swap gen0 "$P/current"
elif [ "$c" != 0 ] && [ "$c" != "$n" ]; then
retire "$(field "$c" enroll)"
fi
visible show_as
for f in $FO; do [ -e "$B/$f" ] && swap .provstation/current/files/flag "$B/$f"; done
sync
swap "gen$n" "$P/current"
sync
[ "$(current)" = "$n" ] && [ -f "$B/$FF" ] || fail io "sealing did not take"
sweep "$n" "$n"
sync
echo ok=1
}
# abandon ENROLL drops a generation that is not sealed. What is gone already is done.
abandon() {
ready
n=$(newest) c=$(current)
rm -rf "$P/.new" "$P/.in"
if [ "$n" = 0 ] || retired "$1"; then echo ok=1; return 0; fi
[ "$(field $n enroll)" = "$1" ] || fail other "another enrollment is in progress"
[ "$n" = "$c" ] && fail sealed "the files of this enrollment are in use"
retire "$1"
try mv "$P/gen$n" "$P/.new"
sync
rm -rf "$P/.new"
echo ok=1
}
setclock() {
Z=
sealed "$(newest)" && fail sealed "the box is sealed"
foreign && fail sealed "the box is enrolled"
e=$(date -u -s "$1" 2>&1 >/dev/null) || fail refused "$e"
echo "now=$(date +%s)"
}
