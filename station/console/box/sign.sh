# What the key of the box signs for a station. Each content is built here: no digest and no text of the station's is signed.
# bytes writes the bytes that hex digits say, without starting a program for each: a broker waits for the signature.
bytes() {
h=$1 o=
while [ -n "$h" ]; do
r=${h#??}
v=$((0x${h%"$r"}))
o="$o\\$((v/64))$((v/8%8))$((v%8))" h=$r
done
printf "$o"
}
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
# token AUDIENCE SUBJECT TIME signs a renewal token that no CA takes: it shows that the box has its key. Header and claims are built
# here, of the box's own certificates, and the name is one that can be nobody's (RFC 2606 2).
url() { E | tr -d '\n=' | tr '+/' '-_'; }
alg() {
case $(openssl pkey -in "$1" -noout -text_pub 2>/dev/null | tr -d '\n') in
*prime256v1*) echo ES256 P-256;;
*secp384r1*) echo ES384 P-384;;
ED25519*) echo EdDSA Ed25519;;
esac
}
token() {
ready
n=$(newest)
if [ "$n" = 0 ]; then foreign || fail state "the box is not enrolled"; else sealed "$n" || fail state "the box is not sealed"; fi
h=${1#https://} h=${h%.proof.invalid/renew}
case $h in *[!0-9a-f]*) fail refused "a renewal token for a CA";; esac
case $2 in ''|*[!A-Za-z0-9._-]*) fail refused "a subject that is no device id";; esac
case $3 in ''|*[!0-9]*) fail args time;; esac
set -- "$1" "$2" "$3" $(alg "$B/$FK")
[ -n "$5" ] || fail args "key type"
Z=$P/.in
rm -rf "$Z"
try mkdir "$Z"
e=$({
printf '{"alg":"%s","typ":"JWT","x5cInsecure":[' "$4"
s= b=
while IFS= read -r x; do
case $x in
-----BEGIN*) printf '%s"' "$s"; s=, b=1;;
-----END*) printf '"'; b=;;
*) [ -n "$b" ] && printf %s "$x";;
esac
done <"$B/$FD"
printf ']}'
} >"$Z/head") || fail io "$e"
j=$(head -c 16 /dev/urandom | H | head -c 32)
printf '{"aud":"%s","exp":%s,"iat":%s,"iss":"step-ca-client/1.0","jti":"%s","nbf":%s,"sub":"%s"}' "$1" $(($3+300)) "$3" "$j" "$3" "$2" >"$Z/claims"
{ url <"$Z/head"; printf .; url <"$Z/claims"; } >"$Z/tbs"
by "$B/$FK" "$5" "$Z/tbs" "$Z/sig"
echo "claims=$(E <"$Z/claims" | tr -d '\n')"
echo "sig=$(E <"$Z/sig" | tr -d '\n')"
rm -rf "$Z"
}
