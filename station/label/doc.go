// Package label makes labels: it fills a template with what is known of a device and hands the result to a printer.
//
// A template is Go's text/template with the fields of [Data]. Its language is ZPL II (Zebra) or plain text. In ZPL every
// field is escaped wherever it stands, so that no name or serial number can become a printer command: a template must
// have ^FH before such a ^FD and ^CI28 at its head. Functions a template may call, besides Go's own:
//
//	upper T, lower T     capitals and small letters
//	short N T            the first N characters
//	part FROM TO T       the characters from FROM up to TO, as far as there are any
//	group N T            a space after every N characters
//	pad N T              with spaces behind it, N characters wide
//	join T...            one after the other, with single spaces and none around
//	qr T, qrascii T      (text) a QR code in half blocks, or in pairs of # and space
//	qrscale DOTS T       (ZPL) the magnification of ^BQ at which the code stays within DOTS, level M
//	fontsize DOTS MAX T  (ZPL) the height of font 0, at most MAX, at which T stays within DOTS
//	barfits DOTS T       (ZPL) whether a Code 128 of T, two dots to the bar, stays within DOTS
//	code128 T            (ZPL) T as the data of ^BC, where > is special
//
// Out of scope: pictures, other printer languages (a text template may hold one, then its fields are only free of control
// characters), and printer drivers beyond raw TCP and a command.
package label
