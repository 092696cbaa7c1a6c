package station

import (
	"slices"
	"testing"
)

// A name that is taught to another place leaves the place before, whose device is no longer the slot's.
func TestLearnMovesName(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		<-k.watcher.changes
		old, fresh := PortInfo{Path: "/dev/s1", Slot: "pci-1", VID: "0403"}, PortInfo{Path: "/dev/s2", Slot: "pci-2", VID: "0403"}
		k.conn.ports["/dev/s2"] = &fakePort{path: "/dev/s2"}
		k.port("s2").plug(newFakeDevice("SN-2"))
		k.bench.Ports = PortRules{Slots: map[string]string{"pci-1": "left"}}
		k.watcher.changes <- PortChange{Added: true, Port: old}
		var gone []string
		k.on = func(b *Bench, e Event) {
			switch body := e.Body.(type) {
			case RunEnded:
				if body.HardwareSerial == "SN-1" {
					_ = b.Learn("left")
					k.watcher.changes <- PortChange{Added: true, Port: fresh}
				}
			case LearnChanged:
				if body.State == "learned" {
					_ = b.EndLearning()
				}
			case PortSeen:
				if body.Status == "gone" {
					gone = append(gone, body.Port)
				}
			}
		}
		list := ends(k.play())
		if len(list) != 2 || list[1].Port != "/dev/s2" || list[1].Slot != "left" || list[1].Outcome != Pass {
			t.Errorf("got %+v, want a PASS of s1, then one of s2 in left", list)
		}
		if !slices.Equal(gone, []string{"/dev/s1"}) {
			t.Errorf("gone: got %q, want the place before", gone)
		}
	})
}

// A place that the configuration names by its path has a name, too.
func TestLearnNamedByPath(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, _ := deskKit(t)
		<-k.watcher.changes
		k.bench.Ports = PortRules{Slots: map[string]string{"/dev/s1": "right"}}
		k.on = func(b *Bench, e Event) {
			if _, ok := e.Body.(StationInfo); ok {
				_ = b.Learn("left")
				k.watcher.changes <- PortChange{Added: true, Port: PortInfo{Path: "/dev/s1", Slot: "pci-1", VID: "0403"}}
			}
		}
		list := of[LearnChanged](k.play())
		if len(list) != 2 || list[1].State != "refused" || list[1].Code != CodeSlotTaken {
			t.Errorf("got %+v, want it refused: the place is called right", list)
		}
	})
}
