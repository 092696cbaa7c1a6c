package console

import (
	"errors"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/mqttcheck"
	"provstation/station/stationtest"
)

var testTime = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// prompts are ends of console text, and what stands there.
var prompts = []struct {
	text string
	want seen
}{
	{"Debian GNU/Linux 12 box ttyS0\n\nbox login: ", seenLogin},
	{"\r\nbuildroot login:", seenLogin},
	{"Username: ", seenLogin},
	{"box login: [   12.345678] usb 1-1: new device\r\n", seenLogin},
	{"box login: root\r\nPassword: ", seenPassword},
	{"[sudo] password for operator: ", seenPassword},
	{"Passwort: ", seenPassword},
	{"Last login: Mon May  1 10:00:00 UTC 2026 on ttyS0", seenNothing},
	{"Last login: ", seenNothing},
	{"root@box:~# ", seenShell},
	{"\x1b[1;32mroot@box\x1b[0m:\x1b[34m~\x1b[0m# \x1b[6n", seenShell},
	{"\x1b]0;root@box: ~\x07root@box:~# ", seenShell},
	{"\x1b[?2004hroot@box:~# ", seenShell},
	{"$ ", seenShell},
	{"/ # ", seenShell},
	{"root@OpenWrt:/# ", seenShell},
	{"=> ", seenBoot},
	{"U-Boot> ", seenBoot},
	{"MX6 SABRE U-Boot > ", seenBoot},
	{"barebox@board:/ ", seenBoot},
	{"grub> ", seenBoot},
	{"Hit any key to stop autoboot:  3 ", seenNothing},
	{"Press SPACE to abort autoboot in 3 #", seenNothing},
	{"Uncompressing 45%", seenNothing},
	{"Loading: #################", seenNothing},
	{"Loading: #", seenNothing},
	{"Loading: T T T #", seenNothing},
	{"TFTP from server 10.0.0.1\nLoading: *\b#####\r\n\t #", seenNothing},
	{"Writing at 0x00010000 #", seenNothing},
	{"## Loading kernel from FIT Image ####", seenNothing},
	{"Downloading [=====>", seenNothing},
	{"[####", seenNothing},
	{"loading@box:~# ", seenShell},
	{"reading-room:~$ ", seenShell},
	{"(initramfs) ", seenRescue},
	{"Give root password for maintenance\n(or press Control-D to continue): ", seenRescue},
	{"Please press Enter to activate this console. ", seenActivate},
	{"Please press Enter to activate this console.\r\n", seenActivate},
	{"Changing password for root.\r\nNew password: ", seenChange},
	{"Current password: ", seenChange},
	{"\r\n0123456789abcdef ! 0123456789abcdef\r\n", seenOurs},
	{"\r\n0123456789abcdef ! 0123456789abcdee\r\n", seenNothing},
	{"[    1.000000] Run /sbin/init\r\n", seenNothing},
	{"Starting syslogd: OK", seenNothing},
	{"", seenNothing},
}

func TestLook(t *testing.T) {
	for _, row := range prompts {
		if got := look(plain([]byte(row.text)), nil); got != row.want {
			t.Errorf("%q: got %d, want %d", row.text, got, row.want)
		}
	}
	for text, want := range map[string]seen{
		"=> ": seenBoot, "(initramfs) ": seenRescue, "Give root password for maintenance\n(or press Control-D to continue): ": seenRescue,
		"Loading: # of 12": seenNothing, "box# ": seenShell, "box#": seenShell, "box#  ": seenNothing,
	} {
		prompt, err := atEnd(regexp.MustCompile(`#|=>|initramfs\)|:`))
		if err != nil {
			t.Fatal(err)
		}
		if got := look(text, prompt); got != want {
			t.Errorf("%q with a prompt of the profile: got %d, want %d", text, got, want)
		}
	}
	own := regexp.MustCompile(`^router\(config\)~ $`)
	if got := look("router(config)~ ", own); got != seenShell {
		t.Errorf("a prompt of the profile: got %d, want a shell", got)
	}
	if got := look("root@box:~# ", own); got != seenNothing {
		t.Errorf("another prompt than the profile's: got %d, want nothing", got)
	}
}

func TestBootText(t *testing.T) {
	for text, want := range map[string]bool{
		"U-Boot 2023.04 (May 01 2023)": true, "U-Boot SPL 2021.01": true, "[    0.000000] Linux version 6.1.0": true, "reboot: Restarting system": true,
		"Hit any key to stop autoboot:  2": true, "Starting kernel ...": true,
		"[   12.345678] usb 1-1: reset high-speed USB device": false, "box login: ": false, "the Linux kernel": false,
	} {
		if got := bootText.MatchString(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

// TestSerialAsAgent: a box has the name that an agent on it would give: the order of places, the keyed hash, the bounds.
func TestSerialAsAgent(t *testing.T) {
	mid := "1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef"
	for _, row := range []struct {
		m    map[string]string
		want string
	}{
		{map[string]string{"serial1": "SN-1\x00", "serial2": "SN-2", "machine": mid}, "SN-1"},
		{map[string]string{"serial2": " SN-2 ", "machine": mid}, "SN-2"},
		{map[string]string{"machine": mid}, "mid-1234567890abcdef12345678"},
		{map[string]string{"machine": "HMAC"}, ""},
		{map[string]string{"serial1": "\x1b[2Ja\u202eb"}, "[2Jab"},
	} {
		if got := readFacts(row.m, testTime).serial; got != row.want {
			t.Errorf("%v: got %q, want %q", row.m, got, row.want)
		}
	}
}

// TestScriptsParse: every shell that boxes have reads the scripts as they cross the line.
func TestScriptsParse(t *testing.T) {
	have := map[string]bool{}
	for _, n := range append(append([]string{}, needed...), "base64", "sha256sum") {
		have[n] = true
	}
	whole, missing := core(have, time.Minute)
	if len(missing) > 0 {
		t.Fatalf("got %v missing, want nothing", missing)
	}
	for _, sh := range [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
		program := stationtest.Program(t, sh[0])
		for name, text := range map[string]string{"core": whole, "look": dense(lookScript), "work": dense(workScript), "sign": dense(signScript), "check": dense(checkScript)} {
			out, err := exec.CommandContext(t.Context(), program, append(sh[1:], "-n", "-c", text)...).CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("%s reads %s: %v %s", sh[0], name, err, out)
			}
		}
	}
}

func TestQuote(t *testing.T) {
	for _, s := range []string{"", "a b", "it's", "$(reboot)", "`id`", "a\\b", "-n", "*", "!x", "\"", "edge-1.example", "#x", "~"} {
		out, err := exec.CommandContext(t.Context(), stationtest.Program(t, "dash"), "-c", "printf %s "+quote(s)).Output()
		if want := s; err != nil && s != "-n" || string(out) != want && s != "-n" {
			t.Errorf("%q: got %q, %v", s, out, err)
		}
	}
}

// TestFirstLine: it fits the shortest line editor, and shows no token that an answer could be made of.
func TestFirstLine(t *testing.T) {
	for _, clean := range []bool{true, false} {
		l := firstLine(testToken, clean, BecomeNothing)
		if len(l) > 254 || regexp.MustCompile(testToken).MatchString(l) {
			t.Errorf("got %d bytes: %s", len(l), l)
		}
	}
}

// TestReadTest: what mosquitto_pub prints (2.0.11, as recorded) and what it means.
func TestReadTest(t *testing.T) {
	for _, row := range []struct {
		lines  []string
		status int
		reason mqttcheck.Reason
		step   mqttcheck.Step
	}{
		{[]string{"Client x sending CONNECT", "Client x received CONNACK (0)", "Client x received PUBACK (Mid: 1, RC:0)"}, 0, "", ""},
		{[]string{"Client x sending CONNECT", "Client x received CONNACK (0)"}, 0, mqttcheck.BrokerMisbehaved, mqttcheck.StepPublish},
		{[]string{"Client x received CONNACK (0)", "Client x received PUBACK (Mid: 1, RC:135)", "Warning: Publish 1 failed: Not authorized."}, 0, mqttcheck.PublishDenied, mqttcheck.StepPublish},
		{[]string{"Unable to connect (Lookup error.)."}, 14, mqttcheck.NameNotFound, mqttcheck.StepResolve},
		{[]string{"Error: Connection refused"}, 14, mqttcheck.Refused, mqttcheck.StepTCP},
		{[]string{"Error: Network is unreachable"}, 14, mqttcheck.NoRoute, mqttcheck.StepTCP},
		{[]string{"OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed", "Error: A TLS error occurred."}, 8, mqttcheck.ServerUntrusted, mqttcheck.StepTLS},
		{[]string{"Error: host name verification failed.", "OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed", "Error: A TLS error occurred."}, 8, mqttcheck.ServerNameMismatch, mqttcheck.StepTLS},
		{[]string{"Client x sending CONNECT", "OpenSSL Error[0]: error:0A000418:SSL routines::tlsv1 alert unknown ca", "Error: A TLS error occurred."}, 8, mqttcheck.ClientCertRefused, mqttcheck.StepCertificate},
		{[]string{"Client x received CONNACK (5)", "Connection error: Connection Refused: not authorised."}, 5, mqttcheck.ConnackRefused, mqttcheck.StepConnack},
		{[]string{"Error: The connection was lost."}, 7, mqttcheck.BrokerClosed, mqttcheck.StepConnack},
		{nil, 124, mqttcheck.Timeout, mqttcheck.StepTCP},
		{nil, 127, mqttcheck.BrokerMisbehaved, mqttcheck.StepConnack},
	} {
		res, err := readTest(mqttcheck.Result{}, row.lines, row.status, time.Second)
		if row.reason == "" {
			if err != nil || res.Proof != mqttcheck.ProofBrokerAcked {
				t.Errorf("%q: got %v, %q, want acknowledged", row.lines, err, res.Proof)
			}
			continue
		}
		e, ok := errors.AsType[*mqttcheck.Error](err)
		if !ok || e.Reason != row.reason || e.Step != row.step || res.Proof != "" {
			t.Errorf("%q: got %+v, %q, want %s at %s", row.lines, err, res.Proof, row.reason, row.step)
		}
	}
}

func TestCheckConfig(t *testing.T) {
	for name, c := range map[string]Config{
		"user": {Login: Login{User: "root; reboot"}}, "folder": {Files: Files{Dir: "certs"}}, "root": {Files: Files{Dir: "/"}}, "dots": {Files: Files{Dir: "/a/../b"}},
		"quote": {Files: Files{Key: "a'b"}}, "twice": {Files: Files{Key: "device.pem"}}, "own": {Files: Files{Flag: ownDir}},
		"line": {MaxLine: 20}, "wake": {Wake: "x"}, "become": {Login: Login{Become: "su"}},
	} {
		if err := c.Check(); err == nil {
			t.Errorf("%s: got no error", name)
		}
		if _, err := NewConnector(c).Open(t.Context(), station.PortInfo{Path: "/dev/none"}); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if err := (Config{}).Check(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
}
