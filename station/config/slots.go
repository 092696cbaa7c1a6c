package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
)

const slotsHeader = "# Slots that the station has learnt: physical place to name. Entries of ports.slots win over these.\n"

// LoadSlots reads a slots file: a YAML mapping of physical places to slot names, as [SaveSlots] writes it. A file that is
// not there is an empty one: the result is nil then. Errors are an [*Error] with every problem, or the operating system's.
func LoadSlots(path string) (map[string]string, error) {
	ps := &problems{}
	l := readSlots(path, ps)
	if l.err != nil {
		return nil, l.err
	}
	if err := ps.err(); err != nil {
		return nil, err
	}
	return l.slots, nil
}

// SaveSlots writes a slots file atomically and durably, mode 0600: a reader, and a station that starts after a power cut,
// sees the old file or the whole new one. Slots that [LoadSlots] would refuse are refused. The folder must exist.
func SaveSlots(path string, slots map[string]string) error {
	ps := &problems{}
	for _, msg := range slotProblems(slots) {
		ps.add(Problem{Where: path, Message: msg})
	}
	for _, s := range stringsIn(reflect.ValueOf(slots)) {
		if err := checkText(s); err != nil {
			ps.add(Problem{Where: path, Message: err.Error()})
		}
	}
	if len(slots) > maxListItems {
		ps.add(Problem{Where: path, Message: fmt.Sprintf("more than %d slots", maxListItems)})
	}
	if err := ps.err(); err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString(slotsHeader)
	for _, place := range sortedKeys(slots) {
		fmt.Fprintf(&b, "%s: %s\n", scalarText(place), scalarText(slots[place]))
	}
	if err := writeAtomic(path, ".slots-*.yaml", b.Bytes()); err != nil {
		return fmt.Errorf("write slots: %w", err)
	}
	return nil
}

// SaveLearnt makes durable what the station was taught: slots are all of them as they hold from now on, and those that the
// configuration does not name itself go to SlotsFile. A slot that it does name can only be changed there: moving or
// renaming one is refused with an [*Error], since the next start would find two places of one name.
func (c *Config) SaveLearnt(slots map[string]string) error {
	ps := &problems{}
	own := map[string]string{}
	for place, name := range c.Ports.Slots {
		if c.Ports.Learnt[place] == "" {
			own[place] = name
		}
	}
	for _, place := range sortedKeys(own) {
		if slots[place] != own[place] {
			ps.add(Problem{Key: "ports.slots", Message: fmt.Sprintf("%q is %s there: change it in the configuration, or take it out of it",
				clip(own[place]), clip(place))})
		}
	}
	if err := ps.err(); err != nil {
		return err
	}
	learnt := maps.Clone(slots)
	maps.DeleteFunc(learnt, func(place, _ string) bool { return own[place] != "" })
	return SaveSlots(c.Ports.SlotsFile, learnt)
}

// slotProblems says what is wrong with names of slots.
func slotProblems(slots map[string]string) []string {
	var list []string
	names := map[string]string{}
	for _, place := range sortedKeys(slots) {
		name := slots[place]
		if place == "" || name == "" || len(name) > maxSlotName {
			list = append(list, fmt.Sprintf("%q: want a place, and a name of at most %d bytes", clip(place), maxSlotName))
		}
		if other, twice := names[name]; twice && name != "" {
			list = append(list, fmt.Sprintf("%s and %s have the same name %q", clip(other), clip(place), clip(name)))
		}
		names[name] = place
	}
	return list
}

// learnt is what a slots file says.
type learnt struct {
	path  string
	slots map[string]string
	err   error // the operating system's
}

// readLearnt reads the slots file of a configuration. Its problems go to ps.
func readLearnt(c *Config, src Sources, ps *problems) learnt {
	if c.Ports.SlotsFile == "" || src.bad["ports.slots_file"] || src.bad["ports.slots"] {
		return learnt{}
	}
	l := readSlots(c.Ports.SlotsFile, ps)
	if l.err != nil {
		var pe *fs.PathError
		why := l.err
		if errors.As(why, &pe) {
			why = pe.Err
		}
		ps.add(Problem{Where: src.Of("ports.slots_file").Where, Key: "ports.slots_file", Message: "cannot be read: " + clip(why.Error())})
	}
	names := map[string]string{}
	for place, name := range c.Ports.Slots {
		names[name] = place
	}
	for _, place := range sortedKeys(l.slots) {
		name := l.slots[place]
		if other, taken := names[name]; taken && other != place && c.Ports.Slots[place] == "" {
			ps.add(Problem{Where: clip(l.path), Key: clip(place), Message: fmt.Sprintf(
				"has the name %q, which ports.slots gives to %s; remove one of them", clip(name), clip(other))})
			delete(l.slots, place)
		}
	}
	return l
}

// merge adds the learnt slots to those that the configuration names itself, which win.
func (l learnt) merge(c *Config, src Sources) {
	if len(l.slots) == 0 || src.bad["ports.slots"] {
		return
	}
	own := c.Ports.Slots
	fresh := maps.Clone(l.slots)
	maps.DeleteFunc(fresh, func(place, _ string) bool { return own[place] != "" })
	if len(fresh) == 0 {
		return
	}
	all := maps.Clone(fresh)
	maps.Copy(all, own)
	from := Source{From: "file", Where: l.path}
	if first, ok := src.keys["ports.slots"]; ok {
		from = Source{From: first.From, Where: first.Where + " and " + l.path}
	}
	c.Ports.Slots, c.Ports.Learnt, src.keys["ports.slots"] = all, fresh, from
}

// readSlots reads a slots file with the same strictness as the configuration.
func readSlots(path string, ps *problems) learnt {
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // a parent that is a file is the ledger's news
		return learnt{path: path}
	}
	if err != nil {
		return learnt{path: path, err: err}
	}
	before := ps.count()
	rd := reader{ps: ps, file: clipPath(path)}
	slots := rd.slots(data)
	if ps.count() > before {
		return learnt{path: path}
	}
	for _, msg := range slotProblems(slots) {
		ps.add(Problem{Where: clipPath(path), Message: msg})
	}
	return learnt{path: path, slots: slots}
}

// slots reads a file that is one mapping of texts to texts.
func (r *reader) slots(data []byte) map[string]string {
	body, _ := r.body(data)
	if body == nil || isNull(body) {
		return nil
	}
	v, ok := r.value(Key{Kind: "map"}, "", nodeLine(body), body)
	if !ok {
		return nil
	}
	slots := map[string]string{}
	if err := setMap(reflect.ValueOf(&slots).Elem(), v); err != nil {
		r.problem(nodeLine(body), "", err.Error(), "")
		return nil
	}
	return slots
}

// writeAtomic puts data at path in one step, mode 0600, and makes sure that it is on the disk. pattern names the file
// while it is written.
func writeAtomic(path, pattern string, data []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, pattern) // CreateTemp's mode is 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	syncDir(dir)
	return nil
}

// syncDir makes a rename durable where the system can; elsewhere (Windows) folders cannot be synced and need not be.
func syncDir(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	_ = d.Sync()
	_ = d.Close()
}
