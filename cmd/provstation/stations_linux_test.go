package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"provstation/station/config"
	"provstation/station/devstack"
	"provstation/station/stationtest"
)

const (
	lineStations = 4
	lineSlots    = 6 // a station
	lineDevices  = 200
	lineEnd      = 8 * time.Minute // for all of it, on a machine that is busy
)

// line is several stations, each a process of its own, on one PostgreSQL, and devices that people carry from one to the other.
type line struct {
	t        *testing.T
	ctx      context.Context
	server   *stationtest.Postgres
	stack    *devstack.Stack
	stations []*lineStation
	rand     *rand.Rand
	mu       sync.Mutex
	ended    map[string]event // run-ends that a station told of, by run
	begun    map[string]bool  // run-starts
	finished atomic.Int64     // devices that came to their end
	away     chan string      // stations that told that the database is away
	awayPass atomic.Int64     // runs that passed without it
}

// lineStation is one `provstation run`.
type lineStation struct {
	line   *line
	name   string
	dir    string
	config string
	slots  chan string // free ones

	mu     sync.Mutex
	cmd    *exec.Cmd
	hear   map[string]chan event // by slot
	up     chan struct{}         // closed while it works
	dead   chan struct{}         // closed when its process has ended
	isAway bool
}

func newLine(t *testing.T) *line {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	ctx, cancel := context.WithTimeout(t.Context(), lineEnd)
	t.Cleanup(cancel)
	l := &line{
		t: t, ctx: ctx, server: stationtest.StartPostgres(t), rand: rand.New(rand.NewPCG(seed, 1)), ended: map[string]event{},
		begun: map[string]bool{}, away: make(chan string, 100),
	}
	dcfg := devstack.Config{StateDir: t.TempDir(), Devices: lineDevices, Baud: 921600, Quiet: true}
	var err error
	if l.stack, err = devstack.Start(t.Context(), dcfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.stack.Close(); err != nil {
			t.Errorf("close stack: %v", err)
		}
	})
	for _, d := range l.stack.Devices { // they lie on a shelf
		if err := d.Unplug(); err != nil {
			t.Fatal(err)
		}
	}
	base := stackConfig(l.stack, dcfg)
	for n := range lineStations {
		l.stations = append(l.stations, l.newStation(n, base))
	}
	return l
}

func (l *line) newStation(n int, base *config.Config) *lineStation {
	s := &lineStation{
		line: l, name: fmt.Sprintf("bench-%d", n+1), dir: l.t.TempDir(), slots: make(chan string, lineSlots),
		hear: map[string]chan event{}, up: make(chan struct{}),
	}
	c := base.Clone()
	c.Station.Name, c.Ledger.URL, c.Log.File = s.name, l.server.URL, filepath.Join(s.dir, "station.log")
	c.People.File = ""
	c.Ports.Include, c.Ports.Slots = nil, map[string]string{}
	for i := range lineSlots {
		slot := fmt.Sprintf("slot-%d", i+1)
		c.Ports.Include = append(c.Ports.Include, s.port(slot))
		c.Ports.Slots[s.port(slot)] = slot
		s.slots <- slot
	}
	s.config = filepath.Join(s.dir, "station.yaml")
	if err := config.WriteFile(s.config, c); err != nil {
		l.t.Fatal(err)
	}
	return s
}

func (s *lineStation) port(slot string) string { return filepath.Join(s.dir, slot) }

// start starts the station's process; the same one again after it was killed.
func (s *lineStation) start() {
	t := s.line.t
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary(t, "provstation"), "run", "--json", "--count", "100000", "--config", s.config) //nolint:noctx // ended by stop or kill
	cmd.Env, cmd.Dir, cmd.Stdout = isolated(t), s.dir, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	dead := make(chan struct{})
	s.mu.Lock()
	s.cmd, s.dead = cmd, dead
	close(s.up)
	s.mu.Unlock()
	go func() {
		defer close(dead)
		defer r.Close()
		for lines := bufio.NewScanner(r); lines.Scan(); {
			var e event
			if err := json.Unmarshal(lines.Bytes(), &e); err == nil {
				s.heard(e)
			}
		}
		_ = cmd.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.up = make(chan struct{})
		for slot, ch := range s.hear {
			close(ch)
			delete(s.hear, slot)
		}
	}()
}

// heard hands an event on to who stands at the slot.
func (s *lineStation) heard(e event) {
	l := s.line
	switch e["type"] {
	case "run-start":
		l.mu.Lock()
		l.begun[e.text("run")] = true
		l.mu.Unlock()
	case "run-end":
		l.mu.Lock()
		l.ended[e.text("run")] = e
		l.mu.Unlock()
		s.mu.Lock()
		if s.isAway && e["outcome"] == "PASS" {
			l.awayPass.Add(1)
		}
		s.mu.Unlock()
	case "ledger":
		s.mu.Lock()
		s.isAway = e["status"] == "away"
		if s.isAway {
			select {
			case l.away <- s.name:
			default: // it is told again and again, and nobody listens any more
			}
		}
		s.mu.Unlock()
		return
	case "duplicate":
		l.t.Errorf("%s: got a duplicate, want none: %v", s.name, e)
		return
	case "phase":
	default:
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.hear[e.text("slot")]; ch != nil {
		select {
		case ch <- e:
		default: // who stands there waits for one kind only, and the buffer holds a run
		}
	}
}

// listen gives the slot's events from now on; the channel is closed when the station dies.
func (s *lineStation) listen(ctx context.Context, slot string) chan event {
	for {
		s.mu.Lock()
		up := s.up
		select {
		case <-up:
			ch := make(chan event, 256)
			s.hear[slot] = ch
			s.mu.Unlock()
			return ch
		default:
		}
		s.mu.Unlock()
		select {
		case <-up:
		case <-ctx.Done():
			return nil
		}
	}
}

// visit plugs the device in and waits for the end of its run. yank: it is pulled when that phase begins. ok is false where the
// station died or the device has to be plugged in again.
func (s *lineStation) visit(d *devstack.Device, slot, yank string) (end event, ok bool) {
	l := s.line
	events := s.listen(l.ctx, slot)
	if events == nil {
		return nil, false
	}
	if err := d.Plug(l.ctx); err != nil {
		l.t.Errorf("plug %s in: %v", d.Name, err)
		return nil, false
	}
	if err := os.Symlink(d.Path, s.port(slot)); err != nil {
		l.t.Errorf("plug %s in: %v", d.Name, err)
	}
	out := func() {
		_ = os.Remove(s.port(slot))
		_ = d.Unplug()
	}
	defer out()
	for {
		select {
		case e, alive := <-events:
			switch {
			case !alive:
				return nil, false
			case e["type"] == "phase" && yank != "" && e["phase"] == yank && e["status"] == "started":
				out()
				yank = ""
			case e["type"] == "run-end":
				return e, true
			}
		case <-l.ctx.Done():
			l.t.Errorf("%s at %s %s: no end in time", d.Name, s.name, slot)
			return nil, false
		}
	}
}

// carry takes a device to stations until it is finished at two of them.
func (l *line) carry(d *devstack.Device, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 2))
	good := map[string]bool{}
	for tries := 0; len(good) < 2 && l.ctx.Err() == nil; tries++ {
		s := l.stations[r.IntN(lineStations)]
		if good[s.name] {
			continue
		}
		yank := ""
		if tries < 3 && r.IntN(4) == 0 {
			yank = []string{"assign", "keygen", "enroll", "verify", "install", "mqtt", "seal"}[r.IntN(7)]
		}
		var slot string
		select {
		case slot = <-s.slots:
		case <-l.ctx.Done():
			return
		}
		end, ok := s.visit(d, slot, yank)
		s.slots <- slot
		if !ok {
			continue
		}
		switch end["outcome"] {
		case "PASS", "SKIPPED":
			good[s.name] = true
		case "ERROR", "ABORTED", "TIMEOUT": // pulled, or the database is away, or another station is not done with it
		default:
			l.t.Errorf("%s at %s: got %v %v, want it finished or a fault that passes: %v", d.Name, s.name, end["outcome"], end["code"], end)
			return
		}
	}
	l.finished.Add(1)
}

func (s *lineStation) kill(sig syscall.Signal) {
	s.mu.Lock()
	cmd, dead := s.cmd, s.dead
	s.mu.Unlock()
	if err := cmd.Process.Signal(sig); err != nil {
		s.line.t.Error(err)
	}
	select {
	case <-dead:
	case <-time.After(liveEnd):
		s.line.t.Errorf("%s does not end", s.name)
		_ = cmd.Process.Kill()
		<-dead
	}
}

// disturb kills the database and one of the stations while the devices move, and starts both again.
func (l *line) disturb() {
	until := func(n int64) bool {
		for l.finished.Load() < n {
			select {
			case <-l.ctx.Done():
				return false
			case <-time.After(20 * time.Millisecond): // of the test's own count: nothing tells of it
			}
		}
		return true
	}
	if !until(lineDevices / 4) {
		return
	}
	l.server.Kill()
	told := map[string]bool{}
	for len(told) < lineStations {
		select {
		case name := <-l.away:
			told[name] = true
		case <-l.ctx.Done():
			l.t.Errorf("told that the database is away: got %v, want all stations", told)
			return
		}
	}
	l.server.Restart()
	if !until(lineDevices / 2) {
		return
	}
	l.stations[2].kill(syscall.SIGKILL)
	l.stations[2].start()
}

// Four stations on one PostgreSQL and 200 devices that are carried from one to the other, some of them pulled in the middle of
// a run. The database is killed and started again, and so is one of the stations. No device is enrolled twice, every record is
// there, and every certificate that the CA has signed is known.
func TestFourStations(t *testing.T) {
	if testing.Short() {
		t.Skip("four stations and 200 devices")
	}
	l := newLine(t)
	for _, s := range l.stations {
		s.start()
		defer func() {
			s.mu.Lock()
			cmd := s.cmd
			s.mu.Unlock()
			_ = cmd.Process.Kill()
		}()
	}
	began := time.Now()
	var wg sync.WaitGroup
	for _, d := range l.stack.Devices {
		seed := l.rand.Uint64()
		wg.Go(func() { l.carry(d, seed) })
	}
	wg.Go(l.disturb)
	wg.Wait()
	t.Logf("%d devices in %s, %d runs told of, %d passed without the database", l.finished.Load(), time.Since(began).Round(time.Second),
		len(l.ended), l.awayPass.Load())
	for _, s := range l.stations {
		s.kill(syscall.SIGINT)
	}
	if t.Failed() {
		return
	}
	l.check()
}

// check reads the database, the own files and the CA's list, not the stations' word.
func (l *line) check() {
	t := l.t
	sql := func(query string) []string {
		return strings.Fields(l.server.SQL(t, l.server.URL, query))
	}
	number := func(query string) int {
		out := sql(query)
		n, err := strconv.Atoi(out[len(out)-1])
		if err != nil {
			t.Fatalf("%s: %v", query, out)
		}
		return n
	}
	// Every run that a station told of is there, as it was told.
	there := map[string]string{}
	for _, row := range sql("SELECT run || ',' || coalesce(outcome, 'open') FROM runs") {
		if run, outcome, ok := strings.Cut(row, ","); ok {
			there[run] = outcome
		}
	}
	for run := range l.begun {
		if there[run] == "" {
			t.Errorf("run %s is lost", run)
		}
	}
	for run, e := range l.ended {
		if there[run] != e["outcome"] {
			t.Errorf("run %s: got %s in the database, want %v", run, there[run], e["outcome"])
		}
	}
	if n := number("SELECT count(*) FROM runs WHERE outcome IS NULL"); n != 0 {
		t.Errorf("got %d open runs, want none", n)
	}
	if n := number("SELECT count(*) FROM duplicates"); n != 0 {
		t.Errorf("got %d duplicates, want none: %v", n, sql("SELECT kind || ':' || replace(detail, ' ', '_') FROM duplicates"))
	}
	// One PASS, one key, and as many certificates as are known of, for each device.
	count := func(query string) map[string]int {
		m := map[string]int{}
		for _, row := range sql(query) {
			if name, n, ok := strings.Cut(row, ","); ok {
				m[name], _ = strconv.Atoi(n)
			}
		}
		return m
	}
	passes := count("SELECT hardware_serial || ',' || count(*) FROM runs WHERE outcome = 'PASS' GROUP BY hardware_serial")
	keys := count("SELECT hardware_serial || ',' || count(*) FROM keys GROUP BY hardware_serial")
	possibly := count("SELECT device_id || ',' || count(*) FROM posts WHERE state IN ('open', 'unknown') GROUP BY device_id")
	serials := sql("SELECT cert_serial FROM certificates")
	unknown, issued := map[string]int{}, map[string]int{}
	for _, x := range l.stack.Issued() {
		issued[x.Asked]++
		if !slices.Contains(serials, x.Serial) {
			unknown[x.Asked]++
		}
	}
	for _, d := range l.stack.Devices {
		id := "edge-" + strings.ToLower(d.Serial)
		if passes[d.Serial] != 1 || keys[d.Serial] != 1 {
			t.Errorf("%s: got %d PASS and %d keys, want one of each", id, passes[d.Serial], keys[d.Serial])
		}
		if unknown[id] > possibly[id] {
			t.Errorf("%s: the CA signed %d certificates that nobody knows of, and %d requests are possibly issued", id, unknown[id], possibly[id])
		}
		if issued[id]-unknown[id] != 1 && possibly[id] == 0 {
			t.Errorf("%s: got %d certificates, want one", id, issued[id])
		}
		if have := keysBelow(t, d.Dir); len(have) != 1 {
			t.Errorf("%s: got %d keys on the device, want 1", id, len(have))
		}
	}
	for _, s := range l.stations {
		if out := cli(t, nil, "records", "verify", "--config", s.config); out.code != exitGood {
			t.Errorf("%s: records verify: got exit %d, want 0\n%s%s", s.name, out.code, out.stdout, out.stderr)
		}
	}
}
