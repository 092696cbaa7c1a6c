// Package bridge is a client of the tenant's IoT Bridge API, which has certificates issued: one POST to
// {base}/devices/{id}/enroll, in either of the two contracts that servers of this API speak.
//
//	            documented                          deployed
//	request     csr_pem                             csr, device_name, device_type, wg_public_key
//	answer      device_id, certificate_pem,         certificate, ca_chain, wireguard_ip,
//	            ca_chain_pem, wireguard_config      wireguard_config
//
// Which one holds is configured or found out without posting anything that could issue: from the field names in
// {base}/openapi.json, else from what the server says is missing in an empty object. It is never guessed.
//
// Every failure is a *station.Fault: what happened, what may be done about it, and, as [station.ErrMaybeIssued] in its
// chain, whether a certificate may exist that nobody received. The server issues before its later steps and rolls
// nothing back, so that question matters more than the status code.
//
// A 200 is believed only when it is JSON, complete, bounded, and what was asked for. Redirects are not followed. Nothing
// the server says reaches a fault without being cut, cleared of control characters and of what looks like a secret.
//
// Out of scope: judging the certificates (package pki) and wg0.conf (package wgconf), and repeating: a run journals each
// post and decides itself.
package bridge
