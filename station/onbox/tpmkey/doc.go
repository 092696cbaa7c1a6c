// Package tpmkey keeps device keys in a TPM 2.0.
//
// A key is made in the TPM and never leaves it in the clear: what is stored in device-key.pem is a TSS2 PRIVATE KEY, the key
// wrapped by the TPM's own storage key, of use to that TPM alone. OpenSSL's tpm2 provider reads the same file. The storage
// key is the TCG's ECC P-256 template in the owner hierarchy (TCG TPM v2.0 Provisioning Guidance, template H-2), made anew for
// each use and nowhere stored: the same TPM makes the same one until it is cleared.
//
// Keys are fixedTPM, fixedParent and sensitiveDataOrigin (TPM 2.0 Part 2, 8.3), so the TPM itself refuses to duplicate them;
// they sign by one scheme, ECDSA with the curve's own hash, and do nothing else. They have no password of their own and are
// exempt from the dictionary attack lockout: who may use the TPM's device file and read the key file may sign.
//
// Each use opens the TPM, does its work and closes it, so that a TPM which went away is found out at once, one that came back
// is used again, and nothing stays loaded in between.
//
// Out of scope: passwords and policies (PCRs) on keys, an owner hierarchy with a password, attestation by an endorsement key,
// Ed25519, which TPMs do not have.
package tpmkey
