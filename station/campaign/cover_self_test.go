package campaign_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// cover says what of the list of faults is suffered where: by kinds of the campaign, and by tests elsewhere, as
// folder.TestName, for what a campaign cannot do or would do worse.
var cover = []struct {
	fault string
	kinds string
	tests string
}{
	// Bytes.
	{"drop", "line.drop", "serialproto/link.TestByteFaults"},
	{"flip: one bit, burst", "line.flip line.burst", "serialproto/link.TestByteFaults"},
	{"duplicate", "line.duplicate", "serialproto/link.TestByteFaults"},
	{"insert 0x00, insert 0xFF", "line.zero line.ff", "serialproto/link.TestByteFaults"},
	{"swap of 16-byte blocks", "line.swap", "serialproto/link.TestByteFaults"},
	{"truncated frame", "frame.cut", "serialproto/link.TestFrameFaults"},
	{"delimiter lost: two frames merged", "frame.merged", "serialproto/link.TestFrameFaults"},
	{"delimiter inserted: a frame split", "frame.split", "serialproto/link.TestFrameFaults"},
	// Text.
	{"boot banner before ANNOUNCE, getty's prompt, escapes, invalid UTF-8", "line.boot-text", "serialproto/link.TestConsoleText"},
	{"kernel line between and inside frames", "line.text", "serialproto/link.TestByteFaults"},
	{"1 MB without 0x00", "line.noise", "serialproto/link.TestMegabyteOfTextIsBounded"},
	{"own echo", "line.echo", "serialproto/link.TestHostHearsRuleBreakers"},
	// Protocol.
	{"lost HELLO, lost WELCOME", "frame.lost", "serialproto/link.TestFrameFaults"},
	{"late WELCOME of another session", "frame.late", "serialproto/link.TestGreetFaults"},
	{"stale RSP of an old session", "frame.stale", "serialproto/link.TestHostHearsRuleBreakers"},
	{"duplicated REQ, single and of several fragments", "frame.twice", "serialproto/link.TestFrameFaults"},
	{"lost last fragment", "frame.last", "serialproto/link.TestFrameFaults"},
	{"lost ACKs only", "frame.lost", "serialproto/link.TestFrameFaults"},
	{"reordered retransmits, RSP before the last ACK", "frame.late", "serialproto/link.TestFrameFaults"},
	{"id wrap 255 to 1", "", "serialproto/link.TestIDsWrap"},
	{"last 255 without data, idx beyond last, same id with another last, oversize message", "frame.odd", "serialproto/link.TestHostHearsRuleBreakers serialproto/link.TestDeviceFaults"},
	{"mtu 32, window 1", "device.small", "serialproto/link.TestSmallPeers"},
	{"unknown kind, op, key, version", "frame.odd", "serialproto/link.TestDeviceFaults serialproto/link.TestHostHearsRuleBreakers serialproto/link.TestGreetFaults"},
	{"two HELLOs racing", "frame.odd", "serialproto/link.TestDeviceFaults"},
	{"BUSY forever, BUSY then reset", "frame.odd reset.key", "serialproto/link.TestHostHearsRuleBreakers"},
	{"wrong id, dir 0 from the device", "frame.odd", "serialproto/link.TestHostHearsRuleBreakers"},
	// Device.
	{"reset in keygen", "reset.key", "serialproto/link.TestResets"},
	{"reset between persist and answer", "reset.answer", "station.TestResetInEveryPhase"},
	{"reset in the middle of INSTALL", "flash.cut reset.frame", "serialproto/agent/filestore.TestPowerCut"},
	{"reset after commit, before RSP", "reset.answer reset.request", "station.TestResetAnywhere"},
	{"slow device, 1 kB/s", "line.slow device.slow-key", "serialproto/link.TestSlowLines"},
	{"stall of 5 s", "line.stall", "serialproto/link.TestStall"},
	{"brown-out loop", "reset.loop reset.time", "serialproto/link.TestAnnounceStormAndBrownOut"},
	{"storm of ANNOUNCE", "device.storm", "serialproto/link.TestAnnounceStormAndBrownOut"},
	{"full flash", "flash.full", "serialproto/agent/filestore.TestFullDisk"},
	{"wrong key in the leaf", "bridge.wrong-key", "serialproto/agent.TestInstallIsChecked"},
	{"two devices with one serial", "device.twin", "station.TestSerialTwice"},
	{"swapped device in a slot", "device.swapped", "station.TestSwappedBoard"},
	{"RNG not ready", "device.no-random", "serialproto/agent.TestRNGNotReady"},
	{"kill -9 of the agent at every file operation", "flash.cut", "cmd/provagent.TestAgentKilledAtEveryFileOperation"},
	// Host and system.
	{"unplug in Read", "port.unplugged port.unplugged-any", "serialproto/port.TestUnplugIsGoneOnceAndForAll"},
	{"unplug in Write", "port.unplugged-write", "serialproto/port.TestWriteNoticesUnplug"},
	{"unplug in Close", "port.unplugged-close port.late", "serialproto/port.TestCloseEndsBlockedRead"},
	{"replug on another name", "port.renamed", "serialproto/port.TestWatchReplugUnderAnotherNameKeepsItsSlot"},
	{"EACCES after plug", "port.denied", "serialproto/port.TestMissingPermission"},
	{"port busy", "port.busy", "serialproto/port.TestPortHeldByAnotherProcessIsBusyAndNamesIt"},
	{"foreign reader that steals bytes", "line.stolen", ""},
	{"pty master closes", "port.unplugged", "serialproto/port.TestSocatPairIsPluggedUnpluggedAndPluggedAgain"},
	{"blocked Write", "line.stall", "serialproto/port.TestStuckLineIsGivenUpAndReported serialproto/link.TestReaderStoppedForGood"},
	{"descriptor used again after Close", "", "serialproto/port.TestNoByteAfterCloseLandsElsewhere"},
	{"descriptors above 1024", "", "serialproto/port.TestHighDescriptorNumbers"},
	{"time jump", "station.time-jump", "station.TestClocks"},
	{"suspend", "", "cmd/provstation.TestSuspendedStation"},
	{"cancel at every step", "station.abort station.stop", "serialproto/link.TestCancelAtEveryStep station.TestAbortEveryPhase"},
	{"kill -9 of the station at every point of the journal", "station.kill station.kill-any", "cmd/provstation.TestKilledAtEveryPoint cmd/provstation.TestQueueKilledAtEveryPoint"},
	{"many slots in parallel", "", "station.TestStuckSlotDelaysNobody serialproto/prototest.TestManyLinesShareOnePacer"},
	{"16 ms of latency", "line.latency", "serialproto/link.TestSlowLines"},
	{"slow CA, session kept alive", "bridge.slow bridge.silent", "serialproto/link.TestKeepAlive"},
	// Neighbours.
	{"bridge errors before signing", "bridge.before bridge.refuses bridge.cut", "station.TestBridgeAnswers"},
	{"bridge errors after signing, lost answers", "bridge.after bridge.unsure bridge.page bridge.lost bridge.half", "station.TestPossiblyIssued"},
	{"lying bridge", "bridge.wrong-key bridge.wrong-id bridge.other-chain bridge.expired bridge.private-key bridge.oversize", "station/devstack.TestLies"},
	{"broker", "broker.cert broker.refuse broker.hang-up broker.drop broker.deny broker.silent broker.slow", "station.TestBrokerRefuses"},
	{"full disk", "ledger.full ledger.read-only ledger.answer-lost ledger.locked", "station.TestLedgerDiskFull"},
	{"database gone", "database.gone", "cmd/provstation.TestFourStations"},
}

// Every fault of the list has a kind or a test that is there, and every kind stands for a fault of the list.
func TestFaultListIsCovered(t *testing.T) {
	named := map[string]bool{}
	for _, c := range cover {
		if c.kinds == "" && c.tests == "" {
			t.Errorf("%s: nothing covers it", c.fault)
		}
		for k := range strings.FieldsSeq(c.kinds) {
			named[k] = true
			if _, err := parsePlan(k + ":0:0"); err != nil {
				t.Errorf("%s: %v", c.fault, err)
			}
		}
		for name := range strings.FieldsSeq(c.tests) {
			dir, fn, _ := strings.Cut(name, ".Test")
			if !hasTest(t, dir, "func Test"+fn+"(") {
				t.Errorf("%s: there is no test %s", c.fault, name)
			}
		}
	}
	for _, k := range kinds {
		if !named[k.name] {
			t.Errorf("%s stands for no fault of the list", k.name)
		}
	}
}

func hasTest(t *testing.T, dir, decl string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(f string) bool {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(text), "\n"+decl)
	})
}
