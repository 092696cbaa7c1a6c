package station

import (
	"maps"
	"path"
	"unicode/utf8"
)

// PortRules say which ports are the bench's. The zero value uses none.
type PortRules struct {
	Include []string          // patterns (path.Match on path, slot key or by-id name) of ports that are used; empty: see Slots
	Exclude []string          // patterns of ports that are never opened, whatever else holds
	Slots   map[string]string // slot key or path to the slot's name; without Include, a port named here is used
	Learnt  map[string]string // of these, the ones that the bench was taught: they are used whatever Include says
	Unknown bool              // every USB port is used
}

// Use decides what a port is to the bench: its slot's name, and whether it is used; if not, why, in stable English
// (excluded, not-included, unknown, not-usb).
func (r PortRules) Use(p PortInfo) (slot, why string, use bool) {
	slot = p.Path
	if p.Slot != "" {
		slot = p.Slot
	}
	named := false
	for _, key := range []string{p.Slot, p.Path} {
		if name, ok := r.Slots[key]; ok && key != "" {
			slot = name
			named = named || len(r.Include) == 0 || r.Learnt[key] != ""
		}
	}
	switch {
	case matchPort(r.Exclude, p):
		return slot, "excluded", false
	case named, matchPort(r.Include, p):
		return slot, "", true
	case p.VID != "" && r.Unknown:
		return slot, "", true
	case p.VID != "":
		return slot, "unknown", false
	case len(r.Include) > 0:
		return slot, "not-included", false
	default:
		return slot, "not-usb", false
	}
}

// matchPort reports whether a pattern fits the port's path, slot key or by-id name.
func matchPort(patterns []string, p PortInfo) bool {
	for _, pat := range patterns {
		for _, name := range []string{p.Path, p.Slot, p.ByID} {
			if name == "" {
				continue
			}
			if ok, err := path.Match(pat, name); pat == name || (err == nil && ok) {
				return true
			}
		}
	}
	return false
}

// leave tells of a port that is left alone.
func (b *Bench) leave(p PortInfo, slot, why string) {
	code := CodePortIgnored
	if why == "unknown" {
		code = CodePortUnknown
	} else if text := b.words("ignored." + why); text != "ignored."+why {
		why = text
	}
	reason, next := b.runner.words.Fault(code, map[string]string{"port": p.Path, "reason": why})
	if why == "unknown" {
		reason += " " + next
	}
	b.hub.emit(PortSeen{Port: p.Path, Slot: slot, Status: "ignored", Code: code, Reason: reason})
}

// maxSlotName is the longest name of a slot, in characters.
const maxSlotName = 32

// Learn waits for a device to be plugged in and calls its place slot, until EndLearning. No run starts meanwhile.
func (b *Bench) Learn(slot string) error {
	name := printable(slot)
	if name == "" || name != slot || utf8.RuneCountInString(name) > maxSlotName {
		return &Fault{Code: CodeNameUnknown, Params: map[string]string{"name": name}}
	}
	b.mu.Lock()
	b.learning, b.teaching = name, true
	b.mu.Unlock()
	b.hub.emit(LearnChanged{State: "waiting", Slot: name})
	return nil
}

// EndLearning lets the bench work again.
func (b *Bench) EndLearning() error {
	b.mu.Lock()
	was := b.teaching
	b.learning, b.teaching = "", false
	b.mu.Unlock()
	if was {
		b.hub.emit(LearnChanged{State: "ended"})
	}
	return nil
}

// learn gives the place of a port that was just plugged in the name that is being taught. The names are saved before
// they hold.
func (b *Bench) learn(p PortInfo) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.learning == "" || matchPort(b.rules.Exclude, p) {
		return
	}
	key := p.Slot
	if key == "" {
		key = p.Path
	}
	e := LearnChanged{State: "refused", Slot: b.learning, Key: key, Port: p.Path}
	for _, name := range []string{p.Slot, p.Path} {
		if other := b.rules.Slots[name]; name != "" && other != "" && other != b.learning {
			e.Code = CodeSlotTaken
			e.Reason, _ = b.runner.words.Fault(e.Code, map[string]string{"other": other, "slot": b.learning})
			b.hub.emit(e)
			return
		}
	}
	slots := map[string]string{}
	maps.Copy(slots, b.rules.Slots)
	maps.DeleteFunc(slots, func(_, name string) bool { return name == b.learning })
	slots[key] = b.learning
	if b.cfg.SaveSlots != nil {
		if err := b.cfg.SaveSlots(slots); err != nil {
			e.Code = CodeSlotSave
			e.Reason, _ = b.runner.words.Fault(e.Code, map[string]string{"detail": printable(err.Error())})
			b.hub.emit(e)
			return
		}
	}
	learnt := maps.Clone(b.rules.Learnt)
	if learnt == nil {
		learnt = map[string]string{}
	}
	learnt[key] = b.learning
	b.rules.Slots, b.rules.Learnt = slots, learnt
	e.State, b.learning = "learned", ""
	b.hub.emit(e)
}
