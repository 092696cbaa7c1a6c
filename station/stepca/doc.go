// Package stepca talks to a step-ca server: its certificates, the life of a certificate after its enrollment, and what
// is revoked.
//
//	before there is trust    [FetchRoot]
//	certificates             [Client.Roots], [Client.Intermediates]
//	same key, new dates      [Client.Renew] (mTLS), [Client.RenewByToken] (a token that the device signed)
//	new key                  [Client.Rekey] (mTLS)
//	no longer valid          [Client.Revoke] (mTLS), [Client.RevokeByToken], [Client.Revoker] (a JWK provisioner)
//	what is revoked          [Client.CRL]
//	is it there              [Client.Health]
//
// Answers are bounded and read strictly, redirects are not followed, and nothing is believed but what a digest or a
// pinned root proves. A certificate that comes back is checked for its shape: one leaf, for the key that was asked for,
// then CA certificates. Every failure is an [*Error] with exactly one of the classes in its chain; one that may have left
// a certificate behind has [ErrMaybeIssued] there, too. Paths and statuses are those of step-ca 0.30.
//
// # Renewing
//
// By mTLS the caller lends a key as the certificate's crypto.Signer. It signs once in a call: each call makes a
// connection of its own, over HTTP/1.1, which nothing repeats. Where a proxy ends TLS (base path /pki or the like) the
// CA never sees a client certificate, and the answer is [ErrNoClientCert]: only a token works there. Its audience must
// name a host from the CA's dnsNames, with or without a port, and no base path; the CA answers 500 for another one. An
// expired certificate ends the TLS handshake (alert 45) without an HTTP status; by token it is a 401, told apart by the
// certificate's end and the answer's Date. Either is [ErrExpired]. After a revocation both ways, and rekey, answer 401 with
// a text that is the same for a provisioner whose renewal is switched off and for a token that was used before:
// [ErrRevoked]. Whoever must know asks the CRL, and builds a new token for each request.
//
// # Revoking
//
// The CA takes any serial number that a provisioner's token names, its own or not, and says "ok": a mistyped one is
// revoked in vain. By mTLS a certificate revokes itself alone. A revoked certificate can still revoke itself, and is told
// "already revoked". A revoke token is a JWT of the provisioner's key: kid, iss = provisioner, sub = the decimal serial
// number (compared as text), aud = https://HOST/1.0/revoke, and a jti that was never used. The root's fingerprint (sha),
// which the step CLI puts in, is for clients that bootstrap from the token; the CA ignores it.
//
// # CRL, and what a broker makes of it
//
// Revocation is passive: whoever does not ask for a CRL accepts the certificate until it expires. Found with step-ca
// 0.30.2, OpenSSL 3.0 and mosquitto 2.0:
//
//   - The CRL is off by default ("crl": {"enabled": true, "generateOnRevoke": true} in ca.json). Without
//     generateOnRevoke it is made anew at two thirds of its lifetime only (24 h by default).
//   - It is DER at /1.0/crl and PEM at /1.0/crl?pem; mosquitto's crlfile wants PEM ([CRL.PEM]).
//   - mosquitto checks the leaf alone (X509_V_FLAG_CRL_CHECK): the Sub-CA's CRL is enough, none of ICA and root is needed.
//     `openssl verify -crl_check_all` wants one for each CA.
//   - step-ca's CRL names where it is published in a critical issuingDistributionPoint (RFC 5280 5.2.5). OpenSSL applies
//     such a CRL only to certificates whose cRLDistributionPoints hold the same URL. One without is not taken for good:
//     error 44, "different CRL scope", and the broker refuses it, revoked or not. The recorded tenant's template puts no
//     such extension in, so switching the CRL on there locks every device out until the provisioner's template gives
//     "crlDistributionPoints": [the CRL's URL] and the devices have new certificates. [CRL.Covers] tells.
//   - Past nextUpdate OpenSSL refuses every certificate (error 12). The file must be fetched again, and mosquitto told by
//     SIGHUP: it reads no new list by itself.
//   - OpenSSL takes an entry with reason removeFromCRL as not revoked, so [Client.Revoke] refuses that reason.
//
// # Out of scope
//
// Judging a certificate or a chain by policy (package pki), building the device's renewal token, and enrolling (the
// bridge does). Nothing is repeated here: a run journals each request and decides itself.
package stepca
