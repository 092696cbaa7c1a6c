package config

// What happens to a USB port that the configuration does not name.
const (
	UnknownShow = "show" // shown with its reason, never opened
	UnknownUse  = "use"  // used like a named one
)

// Ports says which serial ports are the bench's.
type Ports struct {
	// Include names ports by device path, glob pattern, or tcp://host:port of a serial server. Left empty, the ports that
	// Slots names are used. What the station was taught is used in any case.
	Include []string `yaml:"include"`
	Exclude []string `yaml:"exclude"` // paths or patterns; wins over everything
	Unknown string   `yaml:"unknown" enum:"show|use"`
	// Slots maps a physical place (USB topology or port path) to the slot's name. After [Load] it holds the entries of
	// SlotsFile besides.
	Slots     map[string]string `yaml:"slots"`
	SlotsFile string            `yaml:"slots_file" path:"yes"` // what the station learnt; empty at load: beside the ledger
	// Learnt holds the entries of Slots that came from SlotsFile alone. Nil without any.
	Learnt map[string]string `yaml:"-"`
	Baud   int               `yaml:"baud"`
	Probe  bool              `yaml:"probe"` // speak before the device has announced itself
	// Profile names the device profile of the ports that no rule of Profiles fits. The first rule that fits decides.
	Profile  string        `yaml:"profile"`
	Profiles []ProfileRule `yaml:"profiles"`
}

// Batch is how lists of expected devices are worked off.
type Batch struct {
	Folder string `yaml:"folder" path:"yes"` // of manifests and reports; empty at load: batches beside the ledger
	// Columns maps what a column means (as hardware_serial, device_id, label) to the header that a manifest has for it.
	Columns   map[string]string `yaml:"columns"`
	HoldAfter int               `yaml:"hold_after"` // equal failures in a row that hold a batch; 0: never
}

// People says who may work at the bench.
type People struct {
	File     string `yaml:"file" path:"yes"` // their names, roles and badges; empty: any name is taken
	Required bool   `yaml:"required"`        // nothing starts before somebody has signed in
}

// Scan is how a scanner's text is told from typing and what it means.
type Scan struct {
	Prefix        string   `yaml:"prefix"`         // what the scanner puts before every code; empty: nothing
	Pattern       string   `yaml:"pattern"`        // RE2 that the code of a device matches as a whole; empty: any
	BadgePrefix   string   `yaml:"badge_prefix"`   // of a person's badge
	CommandPrefix string   `yaml:"command_prefix"` // of the station's own command codes
	Gap           Duration `yaml:"gap"`            // the longest pause between two keys of one scan
	MinLength     int      `yaml:"min_length"`     // the shortest scan, in characters
}

// Labels is what is printed for a device and where. Printer and Command exclude each other.
type Labels struct {
	Template string   `yaml:"template"` // a built-in name (letters, digits, dashes), or a file
	Printer  string   `yaml:"printer"`  // tcp://host:port of a raw printer
	Command  []string `yaml:"command"`  // program and arguments; the label comes on its standard input
	Auto     bool     `yaml:"auto"`     // print by itself when a run passed
}

// Themes of [Screen].
const (
	ThemeAuto        = "auto" // dark or light, as the terminal's background is
	ThemeDark        = "dark"
	ThemeLight       = "light"
	ThemeContrast    = "contrast"
	ThemeColourblind = "colourblind"
	ThemeMono        = "mono"
)

// Values of Screen.ASCII.
const (
	ASCIIAuto = "auto" // as the terminal's locale says
	ASCIIYes  = "yes"
	ASCIINo   = "no"
)

// Screen is how the bench looks and sounds.
type Screen struct {
	Theme string   `yaml:"theme" enum:"auto|dark|light|contrast|colourblind|mono"`
	ASCII string   `yaml:"ascii" enum:"auto|yes|no"` // lines and marks of ASCII alone
	Bell  bool     `yaml:"bell"`                     // ring the terminal on a verdict
	Sound []string `yaml:"sound"`                    // program and arguments to run on a verdict; empty: none
}
