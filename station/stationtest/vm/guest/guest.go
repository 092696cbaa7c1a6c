// Package guest is what a test and the first process of its virtual machine say to each other: a [Spec] that lies in the
// image, and JSON objects, one a line, on a virtio-serial port.
package guest

import "time"

const (
	// SpecPath is where the spec lies in the image.
	SpecPath = "/etc/vm.json"
	// Port is the name of the virtio-serial port.
	Port = "provstation.control"
	// MaxOutput bounds what is kept of a command's output, bytes.
	MaxOutput = 4 << 20
)

// Spec says what the first process does after boot, in this order.
type Spec struct {
	Hostname string            `json:"hostname,omitempty"`
	Modules  []Module          `json:"modules,omitempty"` // each after what it depends on
	Mounts   []Mount           `json:"mounts,omitempty"`
	Network  bool              `json:"network,omitempty"` // eth0 as QEMU's user-mode network wants it
	Env      map[string]string `json:"env,omitempty"`     // of all services and commands
	Services []Service         `json:"services,omitempty"`
	// Init is a program that the first process becomes once the machine is set up, such as systemd. What runs the services and
	// obeys the test is then a process of its own, which that program finds at its start.
	Init []string `json:"init,omitempty"`
}

// Module is a kernel module.
type Module struct {
	Path   string `json:"path"`
	Params string `json:"params,omitempty"`
}

// Mount is a file system.
type Mount struct {
	Source string `json:"source"`
	Target string `json:"target"`
	Type   string `json:"type"`
	Data   string `json:"data,omitempty"`
}

// Service is a program that is started again whenever it ends, half a second later.
type Service struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
	Env  []string `json:"env,omitempty"`
	Dir  string   `json:"dir,omitempty"`
	TTY  string   `json:"tty,omitempty"`  // its controlling terminal, input and output; "": none
	Log  string   `json:"log,omitempty"`  // file that its output is appended to; "": the console
	Once bool     `json:"once,omitempty"` // not started again
	Wait bool     `json:"wait,omitempty"` // the services after it are started when it has ended
}

// Operations of a request.
const (
	OpRun      = "run"      // Args, Env, Dir, Data (its input): runs a command to its end
	OpRead     = "read"     // Path
	OpWrite    = "write"    // Path, Data, Mode
	OpService  = "service"  // Service: starts it
	OpSignal   = "signal"   // Name, Signal: to a service's process
	OpNoise    = "noise"    // Every, Text: a line to /dev/kmsg time and again; 0 ends it
	OpPowerOff = "poweroff" // in order: file systems are synced
	OpReboot   = "reboot"
)

// Request is what the test asks for.
type Request struct {
	ID      uint64        `json:"id"`
	Op      string        `json:"op"`
	Args    []string      `json:"args,omitempty"`
	Env     []string      `json:"env,omitempty"`
	Dir     string        `json:"dir,omitempty"`
	Path    string        `json:"path,omitempty"`
	Data    []byte        `json:"data,omitempty"`
	Mode    uint32        `json:"mode,omitempty"`
	Name    string        `json:"name,omitempty"`
	Signal  int           `json:"signal,omitempty"`
	Service *Service      `json:"service,omitempty"`
	Every   time.Duration `json:"every,omitempty"`
	Text    string        `json:"text,omitempty"`
}

// Reply is the answer to the request of its ID; ID 0 says that the guest has booted.
type Reply struct {
	ID     uint64 `json:"id"`
	Uptime string `json:"uptime,omitempty"` // of a boot: /proc/uptime
	Code   int    `json:"code,omitempty"`   // exit code
	Data   []byte `json:"data,omitempty"`   // output of both kinds, or a file
	Err    string `json:"err,omitempty"`
}
