// Package audit is the tamper-evident history of a station: the rows of its hash chain, the checkpoints that sign the
// chain's head, and the passport that goes with each device. Bytes in, bytes out: no files, no database, no network.
//
// # Chain
//
// A station has one chain. Its rows are numbered by n, from 1 without a gap. Row n has a body and a digest:
//
//	digest(0) = SHA-256("provstation/audit/genesis/v1" 00 | len32(station id) | station id | len32(tenant) | tenant)
//	digest(n) = SHA-256("provstation/audit/row/v1" 00 | digest(n-1) | body(n))
//
// len32 is four bytes, big endian; texts are UTF-8. The texts in quotes are ASCII and end in one zero byte, so that no
// digest and no signature of one kind can be taken for one of another. tenant is the one that the chain was begun under.
//
// A body is deterministic CBOR (RFC 8949, 4.2.1) and at most MaxBody bytes; what is not in that one encoding is refused:
//
//	{ 1: uint           format, 1
//	  2: tstr           station id
//	  3: uint           n
//	  4: int            time of writing, microseconds since 1970, UTC, by the station's clock
//	  5: tstr           kind: what was done, as "finish-run"
//	  6: [* change]     the ledger rows it wrote, as they stood after it; absent: none
//	  7: {* tstr: tstr} facts, as the tenant of the first row; absent: none }
//
//	change  = [ table: tstr, key: [+ value], columns: {* tstr: value} / null ]    null: the row was deleted
//	value   = null / int / tstr / bstr / [ bstr .size 32 ]
//
// A text or a blob of more than MaxPlain bytes stands as the last form, its digest:
//
//	SHA-256("provstation/audit/value/v1" 00 | "t" or "b" | the bytes)
//
// People are not named. In columns that hold a person's name stands a pseudonym, "p-" and 32 hex digits:
//
//	the first 16 bytes of SHA-256("provstation/audit/person/v1" 00 | salt (32 random bytes) | name)
//
// Name and salt are kept beside the chain. While they are there, nobody can put another name in their place; once they
// are erased, the pseudonym cannot be led back to the person, and the chain is as valid as before.
//
// # Checkpoint
//
// A checkpoint says that the row n of a station's chain had this digest, and is signed by the station's key (Ed25519, RFC
// 8032) over "provstation/audit/checkpoint/v1" 00 | body. The body is deterministic CBOR:
//
//	{ 1: uint  format, 1
//	  2: tstr  station id
//	  3: tstr  tenant
//	  4: uint  n
//	  5: bstr  digest of row n, 32 bytes
//	  6: int   time of signing, microseconds since 1970, UTC
//	  7: bstr  key id: SHA-256 of the public key's SubjectPublicKeyInfo
//	  8: uint  1: the head after a run; 2: rows up to n were deleted, the chain goes on from this digest }
//
// In a heads file it is one line of JSON with the members of [Checkpoint], times in RFC 3339 with microseconds, bytes in
// hex.
//
// # What a checker sees
//
// A row that was altered, removed, moved or put in does not fit its neighbours: [Check] names it. Who can write the whole
// database can cut the newest rows off, or compute the chain anew from any row on; then a checkpoint does not fit, and
// those are kept in a file outside the database and in every passport. Who has the station's private key as well can sign
// anything: keep a copy of the heads file, and the public key, elsewhere.
//
// # Passport
//
// A passport is a JSON file of three members, "passport", "names" and "signature". The signature is made by the station's
// key over "provstation/audit/passport/v1" 00 | the member "passport" as it stands in the file, without the white space
// between its tokens. [ParsePassport] accepts one spelling only: members in the order of [Passport], none unknown, none
// twice. "names" is outside the signature: it may be removed to forget who worked, and while it is there it is held
// against the pseudonym that is inside.
package audit
