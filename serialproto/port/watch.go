package port

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// DefaultRescan is the pause between safety scans of a zero WatchConfig.
const DefaultRescan = 5 * time.Second

// settle collects the burst of messages that one plug causes.
const settle = 20 * time.Millisecond

// ChangeKind says what happened to a port.
type ChangeKind int

// The kinds of change.
const (
	Added ChangeKind = iota + 1
	Removed
)

// String implements fmt.Stringer.
func (k ChangeKind) String() string {
	switch k {
	case Added:
		return "added"
	case Removed:
		return "removed"
	}
	return fmt.Sprintf("unknown(%d)", int(k))
}

// Change is one port that came or went. A port that was unplugged and plugged
// in again between two looks is a Removed followed by an Added.
type Change struct {
	Kind ChangeKind
	Info Info
}

// WatchConfig says what to watch. The zero value is every port that List shows.
type WatchConfig struct {
	// Paths are further ports to watch for, which List does not show: a pty, a
	// link that socat makes, in a folder that need not exist yet. Each has its
	// path as Slot. A port that is also listed is reported under this path only.
	// A serial server (tcp://host:port) counts as there from the start: whether it
	// answers only Open can tell.
	Paths []string
	// OnlyPaths leaves out the ports that List shows.
	OnlyPaths bool
	// Rescan is the pause between safety scans, for what no message told; 0 means
	// DefaultRescan. Where the system sends no messages it is at most a second.
	Rescan time.Duration
	// Nudge, if not nil, makes the watch look again at once when it can be
	// received from: after an ErrGone, say. Give it a buffer of one and send
	// without waiting: the watch may itself be waiting for its Change to be taken.
	Nudge <-chan struct{}
	// SysRoot and DevRoot are the mounted sysfs and the device folder; "" means
	// /sys and /dev. Used on Linux only.
	SysRoot, DevRoot string
}

// Watch reports the ports that are there and then every change until ctx ends,
// when the channel is closed. It fails only if nothing can be listed at all.
func Watch(ctx context.Context, cfg WatchConfig) (<-chan Change, error) {
	if cfg.Rescan <= 0 {
		cfg.Rescan = DefaultRescan
	}
	w := &watch{cfg: cfg, known: make(map[string]present), out: make(chan Change), hints: make(chan struct{}, 1)}
	// Listening starts before the first look, so that nothing falls between.
	stop := []func(){}
	if s, ok := listenPlugs(w.hint); ok {
		stop = append(stop, s)
	} else if !cfg.OnlyPaths {
		w.cfg.Rescan = min(w.cfg.Rescan, time.Second)
	}
	if slices.ContainsFunc(cfg.Paths, func(p string) bool { return !IsNetwork(p) }) {
		f, err := newFolders(w.hint)
		if err != nil {
			w.cfg.Rescan = min(w.cfg.Rescan, time.Second)
		} else {
			w.folders = f
			stop = append(stop, f.close)
		}
	}
	found, err := w.look()
	if err != nil {
		for _, s := range stop {
			s()
		}
		return nil, err
	}
	go w.run(ctx, found, stop)
	return w.out, nil
}

// watch is owned by its run goroutine, but for hints.
type watch struct {
	cfg     WatchConfig
	known   map[string]present // by path
	folders *folders           // nil without paths, or where folders cannot be watched
	out     chan Change
	hints   chan struct{}
}

// hint asks for another look. Any goroutine.
func (w *watch) hint() {
	select {
	case w.hints <- struct{}{}:
	default:
	}
}

func (w *watch) run(ctx context.Context, found []present, stop []func()) {
	defer close(w.out)
	defer func() {
		for _, s := range stop {
			s()
		}
	}()
	if !w.report(ctx, found) {
		return
	}
	tick := time.NewTicker(w.cfg.Rescan)
	defer tick.Stop()
	nudge := w.cfg.Nudge
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-nudge:
			if !ok {
				nudge = nil
			}
		case <-tick.C:
		case <-w.hints:
			t := time.NewTimer(settle)
			select {
			case <-ctx.Done():
				t.Stop()
				return
			case <-t.C:
			}
		}
		found, err := w.look()
		if err != nil {
			continue // sysfs could not be read this time; what is known stays
		}
		if !w.report(ctx, found) {
			return
		}
	}
}

// look scans everything that is watched.
func (w *watch) look() ([]present, error) {
	// A watch that was only just set has missed what came before it, a folder
	// further down included; the bound is for a folder that comes and goes.
	for range 16 {
		if w.folders == nil || !w.folders.follow(w.cfg.Paths) {
			break
		}
	}
	// Also for paths alone: what the system knows about a port goes with it.
	listed, err := enumerate(w.cfg.SysRoot, w.cfg.DevRoot)
	if err != nil && !w.cfg.OnlyPaths {
		return nil, err
	}
	return withPaths(listed, w.cfg.Paths, w.cfg.OnlyPaths), nil
}

// withPaths adds the configured paths that are there. One that leads to a
// listed port takes its place, and of two that lead to one port the first
// counts, so that no port is reported twice.
func withPaths(listed []present, paths []string, only bool) []present {
	byTarget := make(map[string]present, len(listed))
	for _, p := range listed {
		byTarget[p.Path] = p
	}
	var found []present
	taken := make(map[string]bool, len(paths))
	for _, path := range paths {
		if IsNetwork(path) {
			if name := strings.ToLower(path); !taken[name] {
				taken[name] = true
				found = append(found, present{Info: Info{Path: path, Slot: path, Network: true}})
			}
			continue
		}
		target, stamp, ok := resolve(path, byTarget)
		if !ok || taken[target] {
			continue
		}
		taken[target] = true
		p := byTarget[target]
		delete(byTarget, target)
		p.Path, p.Slot, p.stamp = path, path, p.stamp+"/"+stamp
		found = append(found, p)
	}
	for _, p := range byTarget {
		if !only {
			found = append(found, p)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Path < found[j].Path })
	return found
}

// report sends what changed since the last look, removals first: a device may
// have come back in the same slot under another name.
func (w *watch) report(ctx context.Context, found []present) bool {
	now := make(map[string]present, len(found))
	for _, p := range found {
		now[p.Path] = p
	}
	var gone []present
	for path, old := range w.known {
		if p, ok := now[path]; !ok || p.stamp != old.stamp || p.Slot != old.Slot {
			gone = append(gone, old)
		}
	}
	sort.Slice(gone, func(i, j int) bool { return gone[i].Path < gone[j].Path })
	for _, p := range gone {
		if !w.send(ctx, Change{Removed, p.Info}) {
			return false
		}
		delete(w.known, p.Path)
	}
	for _, p := range found {
		if _, ok := w.known[p.Path]; ok {
			continue
		}
		if !w.send(ctx, Change{Added, p.Info}) {
			return false
		}
		w.known[p.Path] = p
	}
	return true
}

func (w *watch) send(ctx context.Context, c Change) bool {
	select {
	case w.out <- c:
		return true
	case <-ctx.Done():
		return false
	}
}
