// Package pki judges certificates for a provisioning bench: what a device asks for (its CSR), what the tenant's bridge
// answers (leaf and CA certificate), and what a device already holds.
//
// Everything is pure: bytes, trust anchors and a time go in, a verdict comes out. Input is hostile: it is bounded before
// it is parsed, PEM and DER are read strictly, and nothing of it reaches an error text with control characters in it.
// Every finding is an [*Error] whose [Check] names the kind; results are nil beside an error.
//
// A chain is judged the way OpenSSL clients and servers judge it, because most brokers and devices are such: it has to
// end in a self-signed root that is in the CA file, path lengths and keyUsage hold for every CA, the extended key usage
// of every certificate that has one must contain clientAuth, and no certificate of the chain is outside its dates. Where
// the rules of crypto/x509 are stricter (name constraints, for one), those hold too.
//
// The package also knows the two byte formats a device signs in a TLS handshake: the content of a TLS 1.3 client
// CertificateVerify (RFC 8446 4.4.3) and a TLS 1.2 handshake transcript (RFC 5246 7.4.8). It takes them apart; it holds
// no key and signs nothing.
//
// Out of scope: fetching anything, private keys, revocation.
package pki
