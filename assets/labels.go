package assets

import "embed"

// Labels holds the built-in label templates: labels/NAME.LANGUAGE.tmpl, where LANGUAGE is zpl or txt. Package station/label
// reads them.
//
//go:embed labels/*.tmpl
var Labels embed.FS
