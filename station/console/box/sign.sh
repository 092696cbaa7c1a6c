# What the key of the box signs for a station. Each content is built here: no digest and no text of the station's is signed.
bytes() { h=$1; while [ -n "$h" ]; do r=${h#??}; printf "\\$(printf %03o "0x${h%"$r"}")"; h=$r; done; }
# by KEY TYPE IN OUT signs a file.
by() {
case $2 in
P-256) e=$(openssl dgst -sha256 -sign "$1" -out "$4" "$3" 2>&1);;
P-384) e=$(openssl dgst -sha384 -sign "$1" -out "$4" "$3" 2>&1);;
Ed25519) e=$(openssl pkeyutl -sign -rawin -inkey "$1" -in "$3" -out "$4" 2>&1);;
*) e="key type $2"; false;;
esac || { rm -f "$3" "$4"; fail sign "$e"; }
}
# tls13 ENROLL HASH signs the content of a client CertificateVerify (RFC 8446 4.4.3) for a transcript hash, before the box is
# sealed and so often.
tls13() {
ready
candidate "$1"
[ -d "$G/files" ] || fail state "nothing is installed"
case $2 in *[!0-9a-f]*) fail args "transcript hash";; esac
[ ${#2} = 64 ] || [ ${#2} = 96 ] || fail args "transcript hash"
[ "$(wc -l 2>/dev/null <"$G/signed" | tr -d ' ')" -lt @SIGNATURES@ ] 2>/dev/null || [ ! -e "$G/signed" ] || fail refused "no signature left for this key"
e=$({ echo 1 >>"$G/signed"; } 2>&1) || fail io "$e"
e=$({ { printf '%64s' ''; printf 'TLS 1.3, client CertificateVerify\000'; bytes "$2"; } >"$G/.tbs"; } 2>&1) || fail io "$e"
by "$G/key.pem" "$(field $n type)" "$G/.tbs" "$G/.sig"
echo "sig=$(E <"$G/.sig" | tr -d '\n')"
rm -f "$G/.tbs" "$G/.sig"
}
