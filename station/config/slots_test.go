package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station/config"
)

const byPath = "pci-0000:00:14.0-usb-0:1.4.2:1.0-port0"

func TestSlotsFileRoundTrip(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "slots.yaml")
	if got, err := config.LoadSlots(path); got != nil || err != nil {
		t.Errorf("no file: got %v, %v; want nothing learnt and no error", got, err)
	}
	for _, want := range []map[string]string{
		{byPath: "A 1", "tcp://192.0.2.1:4001": "yes", "/dev/ttyS0": "#3"},
		{byPath: "B"},
		nil,
	} {
		if err := config.SaveSlots(path, want); err != nil {
			t.Fatal(err)
		}
		got, err := config.LoadSlots(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("saved and loaded differ (-saved +loaded):\n%s", diff)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("got %d files (%v), want the slots file alone", len(entries), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v (%v), want 0600", info.Mode(), err)
	}
}

func TestSaveSlotsRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slots.yaml")
	for name, slots := range map[string]map[string]string{
		"same name": {"1-1": "A", "1-2": "A"},
		"no name":   {"1-1": ""},
		"no place":  {"": "A"},
		"long name": {"1-1": strings.Repeat("x", 33)},
		"control":   {"1-1": "a\x1b[2J"},
	} {
		var e *config.Error
		if err := config.SaveSlots(path, slots); !errors.As(err, &e) {
			t.Errorf("%s: got %v, want a *config.Error", name, err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want no file written", err)
	}
	if err := config.SaveSlots(filepath.Join(path, "absent", "s.yaml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: got %v, want os.ErrNotExist", err)
	}
}

// The file is merged under ports.slots: an entry there wins, and the source of each is said.
func TestLearntSlots(t *testing.T) {
	file := filepath.Join(t.TempDir(), "learnt.yaml")
	if err := config.SaveSlots(file, map[string]string{"1-1": "learnt", "1-2": "B"}); err != nil {
		t.Fatal(err)
	}
	ports := "ports: {slots_file: " + file + ", slots: {1-1: A}}\n"
	c, src, err := load(t, minimal+ports, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"1-1": "A", "1-2": "B"}, c.Ports.Slots); diff != "" {
		t.Errorf("slots (-want +got):\n%s", diff)
	}
	if got, want := src.Of("ports.slots").Where, "station.yaml:4 and "+file; got != want {
		t.Errorf("source: got %s, want %s", got, want)
	}
}

// Without a word of it in the configuration the file stands beside the ledger, as do the batches.
func TestBesideTheLedger(t *testing.T) {
	dir := t.TempDir()
	if err := config.SaveSlots(filepath.Join(dir, "slots.yaml"), map[string]string{byPath: "left"}); err != nil {
		t.Fatal(err)
	}
	c, src, err := load(t, minimal+"ledger: {url: \"sqlite:"+dir+"/l.db\"}\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{byPath: "left"}, c.Ports.Slots); diff != "" {
		t.Errorf("slots (-want +got):\n%s", diff)
	}
	if got, want := [2]string{c.Ports.SlotsFile, c.Batch.Folder}, [2]string{filepath.Join(dir, "slots.yaml"), filepath.Join(dir, "batches")}; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := src.Of("batch.folder").From; got != "host" {
		t.Errorf("source of batch.folder: got %s, want host", got)
	}
}

// With a ledger on a server they stand in the state folder: they are this bench's.
func TestBesideALedgerOnAServer(t *testing.T) {
	state := t.TempDir()
	c, _, err := load(t, minimal+"ledger: {url: \"postgres://bench@db.example/line\", password_env: DB_PASSWORD}\n",
		map[string]string{"XDG_STATE_HOME": state})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(state, "provstation")
	if got, want := [2]string{c.Ports.SlotsFile, c.Batch.Folder}, [2]string{filepath.Join(dir, "slots.yaml"), filepath.Join(dir, "batches")}; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSlotsFileProblems(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"list":         {"- a\n", "SLOTS:1: want a mapping of texts to texts, got a list"},
		"nested":       {"a: b\n1-1: {x: y}\n", "SLOTS:1: want a text for 1-1, got a mapping"},
		"twice":        {"1-1: a\n1-1: b\n", "SLOTS:1: 1-1 stands here twice"},
		"same name":    {"1-1: a\n1-2: a\n", `SLOTS: 1-1 and 1-2 have the same name "a"`},
		"control":      {"1-1: \"a\\e[2J\"\n", "SLOTS:1: text holds a control character"},
		"not yaml":     {"[\n", "SLOTS:1: not valid YAML: sequence end token ']' not found"},
		"taken":        {"1-9: A\n", `SLOTS: 1-9: has the name "A", which ports.slots gives to 1-1; remove one of them`},
		"not utf-8":    {"1-1: \xff\n", "SLOTS: file is not UTF-8 text"},
		"two of them":  {"1-1: a\n---\n1-2: b\n", "SLOTS: file holds several YAML documents; only one is read"},
		"key material": {"1-1: \"-----BEGIN\"\n", "SLOTS:1: a key or certificate must not stand in the configuration: put it into a file and name that"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "s.yaml")
			if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			c, _, err := load(t, minimal+"ports: {slots_file: "+file+", slots: {1-1: A}}\n", nil)
			if c != nil {
				t.Error("got a configuration besides the error")
			}
			want := []string{strings.Replace(tc.want, "SLOTS", file, 1)}
			if diff := cmp.Diff(want, problemsOf(t, err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSlotsFileUnreadable(t *testing.T) {
	dir := t.TempDir()
	_, _, err := load(t, minimal+"ports: {slots_file: "+dir+"}\n", nil)
	want := []string{"station.yaml:4: ports.slots_file: cannot be read: is a directory"}
	if diff := cmp.Diff(want, problemsOf(t, err)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if _, err := config.LoadSlots(dir); err == nil {
		t.Error("LoadSlots of a folder: got no error")
	}
}

func TestDeskLayers(t *testing.T) {
	c, _, err := load(t, minimal+"labels: {template: shop/big.zpl}\npeople: {file: people.yaml, required: true}\nscreen: {ascii: yes, bell: false}\n",
		map[string]string{
			"PROVSTATION_DEVICE_ASSIGN": "scan", "PROVSTATION_SCAN_GAP": "40ms", "PROVSTATION_BATCH_COLUMNS": "device_id=ID,label=Etikett",
			"PROVSTATION_LABELS_PRINTER": "tcp://[2001:db8::1]:9100", "PROVSTATION_PORTS_INCLUDE": "tcp://moxa.example:4001,/dev/ttyS*",
			"PROVSTATION_SCREEN_SOUND": "aplay,ding.wav",
		})
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(c.Labels.Template) || !strings.HasSuffix(c.Labels.Template, "/shop/big.zpl") || !filepath.IsAbs(c.People.File) {
		t.Errorf("got %s and %s, want files relative to the configuration", c.Labels.Template, c.People.File)
	}
	if c.Device.Assign != config.AssignScan || c.Scan.Gap.String() != "40ms" || c.Screen.ASCII != config.ASCIIYes || c.Screen.Bell {
		t.Errorf("got %+v %+v %+v, want what was set", c.Device, c.Scan, c.Screen)
	}
	if diff := cmp.Diff(map[string]string{"device_id": "ID", "label": "Etikett"}, c.Batch.Columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"aplay", "ding.wav"}, c.Screen.Sound); diff != "" {
		t.Errorf("sound (-want +got):\n%s", diff)
	}
}

// What was taught is kept apart from what the configuration says, and can be taught anew; what the configuration says can
// not, and a start after all of it finds the same slots.
func TestSaveLearnt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.yaml")
	text := minimal + "ports: {slots_file: " + file + ", slots: {1-1: A}}\n"
	reload := func() *config.Config {
		t.Helper()
		c, _, err := load(t, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := reload()
	for _, slots := range []map[string]string{
		{"1-1": "A", "1-2": "B"},
		{"1-1": "A", "1-3": "B"}, // B has moved
		{"1-1": "A", "1-3": "B", "1-4": "C"},
	} {
		if err := c.SaveLearnt(slots); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(slots, reload().Ports.Slots); diff != "" {
			t.Errorf("slots after the next start (-taught +got):\n%s", diff)
		}
		c = reload()
	}
	if diff := cmp.Diff(map[string]string{"1-3": "B", "1-4": "C"}, c.Ports.Learnt); diff != "" {
		t.Errorf("learnt (-want +got):\n%s", diff)
	}
	for name, slots := range map[string]map[string]string{
		"moved":   {"1-9": "A", "1-3": "B"},
		"renamed": {"1-1": "Z", "1-3": "B"},
	} {
		got := problemsOf(t, c.SaveLearnt(slots))
		want := []string{`ports.slots: "A" is 1-1 there: change it in the configuration, or take it out of it`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(c.Ports.Slots, reload().Ports.Slots); diff != "" {
		t.Errorf("a refusal changed the slots (-before +after):\n%s", diff)
	}
}
