// Package filestore keeps a device's credentials in a directory, so that a power cut at any moment leaves the old set of
// files or the new one, never a mixture.
//
//	STATE/agent.json                     what outlives generations: numbers and enroll ids used, highest trusted time
//	STATE/generations/N.R/               generation N, revision R: generation.json, key, certificates, tunnel, flag
//	STATE/current -> generations/N.R     the active generation: one rename switches the whole set
//	STATE/device-key.pem -> current/device-key.pem, and so on: the names that the device's programs know
//	STATE/staging/                       objects that come in pieces
//
// A generation is built in a directory with another name, synced, and renamed into place: it exists whole or not at all.
// Every file is written under another name, synced and renamed; directories are synced after each rename. Files with
// secrets have mode 0600 from their first byte. What the tenant's own enrollment script left (regular files under the
// visible names and a flag) is generation 0; it becomes a generation directory only when a new one takes its place.
//
// A program that renews a certificate in place may write through the links or replace them by files: for the active
// generation the visible names are what counts.
//
// Out of scope: file systems without atomic rename. Where there are no symbolic links (Config.Copies) the visible files
// are copies, made one by one after the switch and again at every Open.
package filestore
