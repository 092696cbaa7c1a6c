// Package scan says what a text means that a barcode scanner read: the label of a device, a person's badge, or a command
// for the bench. It is pure: no input, no output, no clock. A [Reader] is compiled once from [Rules] and is safe for
// concurrent use.
//
// Labels may be plain codes, GS1 element strings (GS1 General Specifications section 3.2: GTIN, serial number, batch),
// as a scanner hands them on (FNC1 as the control character GS, or one of the usual stand-ins for it), the form that people
// read, "(01)09506000134352(21)A1", and GS1 Digital Link addresses. A symbology identifier (ISO/IEC 15424: "]C1" and so
// on) in front is used and removed.
//
// Out of scope: telling a scan from typing, and what becomes of it.
package scan
