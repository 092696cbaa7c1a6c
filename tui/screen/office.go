package screen

// Check is one check of the doctor.
type Check struct {
	Name   string // stable English name of the check
	Title  string // in the station's language
	Status string // ok|warn|fail|skipped
	Detail string
	Next   string // what to do; empty when Status is ok
}

// LabelPreview is a label as the screen shows it.
type LabelPreview struct {
	Template string
	Printer  string   // where it would go; empty: none is configured
	Lines    []string // printable text, QR code in half blocks included
	Copies   int      // printed before
}
