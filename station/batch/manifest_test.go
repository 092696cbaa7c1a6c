package batch_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/batch"
	"provstation/station/pki"
	"provstation/station/words"
)

// sentences gives the English catalogue as the program wires it.
func sentences(t testing.TB) func(key string, pairs ...string) string {
	t.Helper()
	c, err := words.Load("en")
	if err != nil {
		t.Fatal(err)
	}
	return func(key string, pairs ...string) string {
		params := map[string]string{}
		for i := 0; i+1 < len(pairs); i += 2 {
			params[pairs[i]] = pairs[i+1]
		}
		s := c.Text(key, params)
		if s == key {
			t.Errorf("the catalogue has no %q", key)
		}
		return s
	}
}

func read(t testing.TB, text string, change ...func(*batch.ReadConfig)) (batch.Manifest, error) {
	t.Helper()
	cfg := batch.ReadConfig{Path: "lists/lot-17.csv", ValidID: pki.ValidDeviceID, Text: sentences(t)}
	for _, c := range change {
		c(&cfg)
	}
	return batch.Read(strings.NewReader(text), cfg)
}

func TestReadList(t *testing.T) {
	full := []station.BatchDevice{
		{Line: 2, HardwareSerial: "SN-1", DeviceID: "dev-1", Label: "L1"},
		{Line: 3, HardwareSerial: "SN-2", DeviceID: "dev-2", Label: "L2"},
	}
	columns := func(m map[string]string) func(*batch.ReadConfig) {
		return func(c *batch.ReadConfig) { c.Columns = m }
	}
	template := func(c *batch.ReadConfig) {
		c.Template = func(s string) (string, error) { return "gw-" + strings.ToLower(s), nil }
	}
	for _, tt := range []struct {
		name, text string
		change     []func(*batch.ReadConfig)
		want       []station.BatchDevice
	}{
		{"own names", "hardware_serial,device_id,label\nSN-1,dev-1,L1\nSN-2,dev-2,L2\n", nil, full},
		{"usual names, any case", "S/N,Device ID,BarCode\nSN-1,dev-1,L1\nSN-2,dev-2,L2", nil, full},
		{"German Excel: BOM, semicolons, CRLF", "\xef\xbb\xbfSeriennummer;Gerät-ID;Etikett\r\nSN-1;dev-1;L1\r\nSN-2;dev-2;L2\r\n", nil, full},
		{"tabs and space around", "Serial Number\tID\tlabel\n SN-1 \tdev-1\tL1\nSN-2\tdev-2\u00a0\tL2\n", nil, full},
		{"Excel says the separator", "sep=;\nserial;id;label\nSN-1;dev-1;L1\n", nil, []station.BatchDevice{
			{Line: 3, HardwareSerial: "SN-1", DeviceID: "dev-1", Label: "L1"},
		}},
		{"old Macintosh line ends", "serial,id,label\rSN-1,dev-1,L1\rSN-2,dev-2,L2\r", nil, full},
		{"empty lines and rows", "\n,,\nserial,id,label\n\n,,\nSN-1,dev-1,L1\n , ,\n", nil, []station.BatchDevice{
			{Line: 6, HardwareSerial: "SN-1", DeviceID: "dev-1", Label: "L1"},
		}},
		{"a separator and quotes inside a field", "serial,label\nSN-1,\"a, \"\"b\"\"\"\n", nil, []station.BatchDevice{
			{Line: 2, HardwareSerial: "SN-1", Label: `a, "b"`},
		}},
		{"mapped", "Board,Nr,Remark\nSN-1,dev-1,new\n", []func(*batch.ReadConfig){columns(map[string]string{
			batch.FieldHardwareSerial: "board", batch.FieldDeviceID: "NR",
		})}, []station.BatchDevice{{Line: 2, HardwareSerial: "SN-1", DeviceID: "dev-1"}}},
		{"the mapping wins over the names", "serial,old serial,id\nX-1,SN-1,dev-1\n", []func(*batch.ReadConfig){
			columns(map[string]string{batch.FieldHardwareSerial: "old serial"}),
		}, []station.BatchDevice{{Line: 2, HardwareSerial: "SN-1", DeviceID: "dev-1"}}},
		{"own name before an alias", "name,device_id,sn\nfront door,dev-1,SN-1\n", nil, []station.BatchDevice{
			{Line: 2, HardwareSerial: "SN-1", DeviceID: "dev-1"},
		}},
		{"template where there is no id", "serial,id\nSN-1,\nSN-2,dev-2\n", []func(*batch.ReadConfig){template}, []station.BatchDevice{
			{Line: 2, HardwareSerial: "SN-1", DeviceID: "gw-sn-1"}, {Line: 3, HardwareSerial: "SN-2", DeviceID: "dev-2"},
		}},
		{"serials differ in case", "serial\nab1\nAB1\n", nil, []station.BatchDevice{
			{Line: 2, HardwareSerial: "ab1"}, {Line: 3, HardwareSerial: "AB1"},
		}},
		{"formulas are plain data", "serial,label\n=1+2,@SUM(A1)\n-5A,+x\n", nil, []station.BatchDevice{
			{Line: 2, HardwareSerial: "=1+2", Label: "@SUM(A1)"}, {Line: 3, HardwareSerial: "-5A", Label: "+x"},
		}},
		{"a label may be missing beside another name", "serial,label\nSN-1,\nSN-2,L2\n", nil, []station.BatchDevice{
			{Line: 2, HardwareSerial: "SN-1"}, {Line: 3, HardwareSerial: "SN-2", Label: "L2"},
		}},
		{"a label equal to its own id", "id,label\ndev-1,DEV-1\n", nil, []station.BatchDevice{{Line: 2, DeviceID: "dev-1", Label: "DEV-1"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := read(t, tt.text, tt.change...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, m.Devices); diff != "" {
				t.Errorf("devices (-want +got):\n%s", diff)
			}
			sum := sha256.Sum256([]byte(tt.text))
			if !bytes.Equal(m.Digest, sum[:]) || m.Name != "lot-17" || m.Path != "lists/lot-17.csv" {
				t.Errorf("got name %q, path %q, digest %x, want lot-17, lists/lot-17.csv, %x", m.Name, m.Path, m.Digest, sum)
			}
		})
	}
}

func TestIgnoredColumns(t *testing.T) {
	m, err := read(t, "S/N,customer,,x\x7f\nSN-1,a,b,\xff\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"customer", "#3", "x"}, m.Ignored); diff != "" {
		t.Errorf("ignored (-want +got):\n%s", diff)
	}
	if got := m.Columns[batch.FieldHardwareSerial]; got != "S/N" {
		t.Errorf("got column %q, want S/N", got)
	}
}

// fault is what a test says of one: "line:column:key".
func faults(t *testing.T, err error) []string {
	t.Helper()
	var me *batch.ManifestError
	if !errors.As(err, &me) {
		t.Fatalf("got %v, want a *ManifestError", err)
	}
	var list []string
	for _, f := range me.Faults {
		if f.Problem == "" || f.Next == "" {
			t.Errorf("%s: no problem or nothing to do: %+v", f.Key, f)
		}
		list = append(list, fmt.Sprintf("%d:%s:%s", f.Line, f.Column, strings.TrimPrefix(f.Key, "list.")))
	}
	return list
}

func TestFaults(t *testing.T) {
	long := strings.Repeat("x", 65)
	for _, tt := range []struct {
		name, text string
		change     func(*batch.ReadConfig)
		want       []string
	}{
		{"everything at once", "S/N,id,label\nSN-1,dev-1,L1\nSN-1,DEV-1,l1\n,dev..2,\nSN-3,,\x01\n0000,dev-5\n" + long + ",dev-6,L6\n", nil, []string{
			"3:S/N:duplicate", "3:id:duplicate", "3:label:duplicate", "4:S/N:empty", "4:id:id", "5:label:control", "5:id:empty",
			"6::cells", "7:S/N:long",
		}},
		{"junk serials", "sn\n0000\nnone\nTo be filled by O.E.M.\n", nil, []string{"2:sn:junk", "3:sn:junk", "4:sn:junk"}},
		{"a serial that a spreadsheet shortened", "sn;x\n1.23457E+12;\n1,2e+9;\n", nil, []string{"2:sn:shortened", "3:sn:shortened"}},
		{"Latin-1 from Excel", "serial;label\nSN-1;M\xfcnchen\n", nil, []string{"2:label:encoding"}},
		{"Latin-1 in the header", "Ger\xe4t;serial\nx;SN-1\n", nil, []string{"1::encoding"}},
		{"a label that is another's id", "serial,id,label\nSN-1,dev-1,dev-2\nSN-2,dev-2,L2\n", nil, []string{"3:id:duplicate"}},
		{"a label that is another's serial", "serial,label\nSN-1,L1\nSN-2,sn-1\n", nil, []string{"3:label:duplicate"}},
		{"invisible characters", "serial\nSN\u200b1\nSN\u202e2\n", nil, []string{"2:serial:control", "3:serial:control"}},
		{"a line break inside a cell", "serial,label\nSN-1,\"a\nb\"\nSN-1,x\n", nil, []string{"2:label:control", "4:serial:duplicate"}},
		{"an open quotation mark", "serial,label\nSN-1,\"a\nSN-2,b\n", nil, []string{"2::quote"}},
		{"a quotation mark in a bare field", "serial,label\nSN-1,a\"b\nSN-1,\nSN-1,\n", nil, []string{"2::quote", "4:serial:duplicate"}},
		{"nothing", "", nil, []string{"0::no-header"}},
		{"blank lines", "\n\n , \n", nil, []string{"0::no-header"}},
		{"no devices", "serial,id\n\n", nil, []string{"0::no-devices"}},
		{"no header", "SN-1,dev-1\nSN-2,dev-2\n", nil, []string{"1::no-column"}},
		{"two columns of one meaning", "S/N,serial\n1,2\n", nil, []string{"1:serial:column-unclear"}},
		{"a mapped column that is not there", "S/N\n1\n", func(c *batch.ReadConfig) {
			c.Columns = map[string]string{batch.FieldDeviceID: "Nr"}
		}, []string{"1:Nr:column-missing"}},
		{"a mapped column that is there twice", "Nr,nr\n1,2\n", func(c *batch.ReadConfig) {
			c.Columns = map[string]string{batch.FieldDeviceID: "Nr"}
		}, []string{"1:nr:column-twice"}},
		{"one column for two fields", "Nr,x\n1,2\n", func(c *batch.ReadConfig) {
			c.Columns = map[string]string{batch.FieldDeviceID: "Nr", batch.FieldHardwareSerial: "Nr"}
		}, []string{"1:Nr:column-shared"}},
		{"a template that refuses, and one that repeats itself", "serial\nbad\nSN-2\nSN-3\n", func(c *batch.ReadConfig) {
			c.Template = func(s string) (string, error) {
				if s == "bad" {
					return "", errors.New("no model\x1b[2J")
				}
				return "same", nil
			}
		}, []string{"2:device_id:template", "4:device_id:duplicate"}},
		{"labels that must serve as ids", "serial,label\nSN-1,a b\nSN-2,\nSN-3,dev-3\n", func(c *batch.ReadConfig) {
			c.LabelIsID = true
		}, []string{"2:label:id"}},
		{"a workbook", "PK\x03\x04xl/", nil, []string{"0::workbook"}},
		{"UTF-16", "\xff\xfes\x00e\x00", nil, []string{"0::utf16"}},
		{"one endless line", strings.Repeat("a,", 40_000), nil, []string{"1::line-long"}},
		{"a file that is too large", strings.Repeat("serial\n", 700_000), nil, []string{"0::too-big"}},
		{"too many devices", "serial\n" + numbered(20_001), nil, []string{"20002::too-many"}},
		{"no name", "serial\nSN-1\n", func(c *batch.ReadConfig) { c.Path = "" }, []string{"0::name"}},
		{"a name that cannot be printed", "serial\nSN-1\n", func(c *batch.ReadConfig) { c.Name = "a\nb" }, []string{"0::name"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			change := tt.change
			if change == nil {
				change = func(*batch.ReadConfig) {}
			}
			m, err := read(t, tt.text, change)
			if diff := cmp.Diff(tt.want, faults(t, err)); diff != "" {
				t.Errorf("faults (-want +got):\n%s\n%v", diff, err)
			}
			if !cmp.Equal(m, batch.Manifest{}) {
				t.Errorf("got a manifest beside the error: %+v", m)
			}
			if bad := strings.Trim(err.Error(), "\n"); strings.ContainsAny(bad, "\x1b\x01\u202e\x7f") {
				t.Errorf("the text has control characters: %q", bad)
			}
		})
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "SN-%d\n", i)
	}
	return b.String()
}

func TestFullList(t *testing.T) {
	m, err := read(t, "serial\n"+numbered(batch.MaxDevices))
	if err != nil || len(m.Devices) != batch.MaxDevices {
		t.Fatalf("got %d devices, %v, want %d", len(m.Devices), err, batch.MaxDevices)
	}
}

// The text lists twenty and counts the rest; what to do is in every line.
func TestErrorText(t *testing.T) {
	_, err := read(t, "serial\nSN-1\n"+strings.Repeat("SN-1\n", 25))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 22 || lines[0] != "25 faults in the batch list lists/lot-17.csv" || lines[21] != "  and 5 more" {
		t.Errorf("got %d lines, first %q, last %q", len(lines), lines[0], lines[len(lines)-1])
	}
	want := `  line 3, serial: "SN-1" is in line 2 already (column serial). Correct one of the two, or take it out.`
	if lines[1] != want {
		t.Errorf("got %q, want %q", lines[1], want)
	}
	_, err = read(t, "serial\n0000\n")
	if got := err.Error(); !strings.HasPrefix(got, "1 fault in the batch list") {
		t.Errorf("got %q", got)
	}
}

func TestReadFails(t *testing.T) {
	broken := errors.New("the share is gone")
	_, err := batch.Read(io.MultiReader(strings.NewReader("serial\n"), iotest.ErrReader(broken)), batch.ReadConfig{Path: "a.csv"})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestNameFromPath(t *testing.T) {
	for path, want := range map[string]string{
		`C:\lists\lot 1.csv`: "lot 1", "/srv/a.b.csv": "a.b", strings.Repeat("ü", 40) + ".csv": strings.Repeat("ü", 32), "x\x1b.csv": "x",
	} {
		m, err := read(t, "serial\nSN-1\n", func(c *batch.ReadConfig) { c.Path = path })
		if err != nil || m.Name != want {
			t.Errorf("%q: got %q, %v, want %q", path, m.Name, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"serial,id,label\nSN-1,dev-1,L1\n", "sep=;\nserial;id\nA;b\n", "\xef\xbb\xbfS/N\tid\nx\ty\n", "serial\n\"a\nb\"\n", "id\n\"\"\"\n", "a\rserial\r",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := batch.Read(bytes.NewReader(raw), batch.ReadConfig{Path: "f.csv", ValidID: pki.ValidDeviceID})
		if err != nil {
			if !cmp.Equal(m, batch.Manifest{}) {
				t.Fatalf("got a manifest beside %v", err)
			}
			for _, r := range err.Error() {
				if r < ' ' && r != '\n' || r == 0x7f || r == 0x202e {
					t.Fatalf("the text has control characters: %q", err)
				}
			}
			return
		}
		serials, ids, labels := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, d := range m.Devices {
			id, label := strings.ToLower(d.DeviceID), strings.ToLower(d.Label)
			if d.HardwareSerial == "" && id == "" && label == "" || d.Line < 1 {
				t.Fatalf("got %+v: nobody", d)
			}
			if serials[d.HardwareSerial] || ids[id] || labels[label] {
				t.Fatalf("got %+v twice", d)
			}
			if station.JunkSerial(d.HardwareSerial) || id != "" && pki.ValidDeviceID(d.DeviceID) != nil {
				t.Fatalf("got %+v, which the rules refuse", d)
			}
			serials[d.HardwareSerial], ids[id], labels[label] = d.HardwareSerial != "", id != "", label != ""
		}
		if len(m.Devices) == 0 {
			t.Fatal("got no devices and no error")
		}
	})
}
