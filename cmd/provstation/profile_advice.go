package main

import (
	"fmt"
	"strings"

	"provstation/station/config"
)

// advice is which profile fits what was heard, in stable English.
type advice struct {
	Profile string   `json:"profile"` // empty: none can be named
	Baud    int      `json:"baud,omitempty"`
	Why     string   `json:"why"`
	Lines   []string `json:"lines,omitempty"` // for the configuration; none where it is so already
}

// smallMessage is the most that a microcontroller takes, as a rule.
const smallMessage = 4096

// recommend says which profile fits what was heard.
func (t *trial) recommend() advice {
	h := t.heard
	if t.found != nil {
		h = *t.found
	}
	a := recommendFor(h, t.choice.Profile)
	if a.Profile == "" {
		return a
	}
	a.Baud = h.Baud
	if now := t.cfg.ProfileFor(t.port).Profile; a.Profile != now.Like || a.Baud != now.Baud {
		a.Lines = t.lines(a)
	}
	return a
}

func recommendFor(h hearing, used config.DeviceProfile) advice {
	w := h.Welcome
	switch h.kind() {
	case heardAgent:
		switch {
		case h.Countdown || h.Boot:
			return advice{Profile: config.ProfileUBoot, Why: "a boot loader speaks on the line before the agent: a byte then could stop the boot"}
		case h.MCU, w != nil && smaller(int(w.MaxMessage), used.MaxMessage, smallMessage), w != nil && smaller(int(w.Window), used.Window, 1):
			return advice{Profile: config.ProfileMCU, Why: "it takes small messages or one frame at a time, or started when the port was opened"}
		case h.Between >= leastBetween || h.Kernel:
			return advice{Profile: config.ProfileSharedConsole, Why: "text comes between the agent's frames: kernel or login share its line"}
		case used.Driver == config.DriverAgent && w != nil && (used.Like == config.ProfileMCU || used.Like == config.ProfileUBoot):
			return advice{Profile: used.Like, Why: "the agent answers, and nothing speaks against this profile"}
		}
		return advice{Profile: config.ProfileAgent, Why: "an agent has the line for itself"}
	case heardLogin, heardShell:
		return advice{Profile: config.ProfileConsole, Why: "a login or a shell waits on the line, and no agent announced itself"}
	case heardBoot:
		if h.Countdown || h.Boot {
			return advice{Profile: config.ProfileUBoot, Why: "a boot loader spoke, and neither agent nor login came in time; listen longer with --for"}
		}
		return advice{Why: "it was starting, and neither agent nor login came in time: listen longer with --for"}
	case heardGarbage:
		return advice{Why: "bytes come that are neither text nor frames: another speed is likely, and --scan-baud tries the usual ones"}
	case heardSilent:
		return advice{Why: "nothing came: see that the device is on, that TX and RX are crossed and ground is joined, and that its agent has this line; " +
			"--profile console sends an Enter, as a login may wait for one, and --probe a HELLO"}
	default:
		return advice{Why: "text came that is neither boot, login nor agent: see it below, and whether another program speaks on the line"}
	}
}

// smaller reports whether a device granted no more than limit though more was asked for (0: as much as there is).
func smaller(granted, asked, limit int) bool {
	return granted <= limit && (asked == 0 || asked > limit)
}

// lines are what the configuration needs for the advice to hold.
func (t *trial) lines(a advice) []string {
	var name string
	var out []string
	if name = t.fitting(a); name == "" {
		name = fmt.Sprintf("%s-%d", a.Profile, a.Baud)
		out = append(out, "profiles:", fmt.Sprintf("  %s: {like: %s, baud: %d}", name, a.Profile, a.Baud))
	}
	rule := config.ProfileRule{Profile: name}
	switch {
	case t.port.VID != "":
		rule.USB = strings.ToLower(t.port.VID + ":" + t.port.PID)
	case t.port.SlotName != "" && t.port.SlotName != t.port.Slot && t.port.SlotName != t.port.Path:
		rule.Slot = t.port.SlotName
	default:
		rule.Port = t.port.Path
	}
	return append(out, "ports:", "  profiles:", "    - "+rule.Render())
}

// fitting is a profile of the configuration that is what the advice asks for; empty: there is none.
func (t *trial) fitting(a advice) string {
	for _, name := range t.cfg.ProfileNames() {
		if p, _ := t.cfg.DeviceProfile(name); p.Like == a.Profile && p.Baud == a.Baud {
			return name
		}
	}
	return ""
}
