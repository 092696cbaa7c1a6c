// Package wgconf reads, judges and writes the wg0.conf that a tenant's bridge answers with, as wg-quick(8) and wg(8) would
// take it. wg-quick runs some lines of that file as root, so the file is hostile input: it is bounded, every line must be
// understood, and what goes on to a device is written anew from parsed values ([Render]), never passed through.
//
// Keys match without regard to case, as in wg-quick. Hooks (PreUp, PostUp, PreDown, PostDown), SaveConfig, Table, unknown
// keys, NUL and CR (so CRLF line ends too) are refused by [Parse]. What is unusual but may be meant is judged by [Lint]
// under a [Policy].
//
// A private key appears in three ways: none, the deployed bridge's placeholder, or a real one that the documented bridge
// made. A real one lives in a [Secret], which prints "(hidden)" whatever the verb, and leaves only through
// [Config.PrivateKey], [Secret.Reveal] and [RenderWithPrivateKey].
//
// What crosses the serial line has no PrivateKey line. The device puts its own in ([Complete]) and can show what it got by
// taking it out again ([WithoutPrivateKey]): byte for byte the text that crossed, so that digests compare.
//
// Out of scope: bringing a tunnel up, handshakes, anything on a network.
package wgconf
