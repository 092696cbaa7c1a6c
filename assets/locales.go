// Package assets holds the files that are compiled into the program. It has no behaviour: the packages that understand a
// kind of file read it from here.
package assets

import "embed"

// Locales holds one catalogue per language: locales/en.yaml and its translations. Package station/words reads them.
//
//go:embed locales/*.yaml
var Locales embed.FS
