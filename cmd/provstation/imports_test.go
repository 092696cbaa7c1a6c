package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "provstation/"

// listedPackage is what `go list` says of a package.
type listedPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
}

func listPackages(t *testing.T, args ...string) []listedPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Imports,Deps,Standard"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []listedPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		list = append(list, p)
	}
}

// importRule is which packages of the project a package may import directly. A name that ends in "/..." allows all below.
var importRule = map[string][]string{
	"station":                           {"station/pki", "station/wgconf", "station/wgcheck", "station/mqttcheck", "station/scan", "station/stepca"},
	"station/scan":                      {},
	"station/retire":                    {"station", "station/stepca", "station/wgcheck"},
	"station/audit":                     {},
	"station/batch":                     {"station"},
	"station/label":                     {"assets"},
	"station/people":                    {"station"},
	"station/pki":                       {},
	"station/wgconf":                    {},
	"station/wgcheck":                   {},
	"station/wgnet":                     {"station/wgconf", "station/wgcheck"},
	"station/stepca":                    {},
	"station/mqttcheck":                 {},
	"station/onbox":                     {"serialproto", "serialproto/agent", "station/mqttcheck"},
	"station/bridge":                    {"station", "station/answer", "station/stepca"},
	"station/tenant":                    {"station", "station/answer"},
	"station/answer":                    {},
	"station/device":                    {"station", "station/pki", "station/mqttcheck", "serialproto", "serialproto/link", "serialproto/port"},
	"station/console":                   {"station", "station/pki", "station/mqttcheck", "station/wgconf", "serialproto", "serialproto/port"},
	"station/ledger":                    {"station", "station/audit", "assets"},
	"station/ledger/shared":             {"station", "station/ledger"},
	"station/config":                    {"station"},
	"station/words":                     {"station", "assets"},
	"station/devstack":                  {"station/onbox", "station/wgconf", "station/wgcheck", "station/wgnet", "serialproto", "serialproto/link", "serialproto/agent", "serialproto/agent/filestore", "serialproto/prototest"},
	"station/onbox/tpmkey":              {"serialproto", "serialproto/agent"},
	"station/stationtest":               {"station", "station/pki"},
	"station/stationtest/vm":            {"station/stationtest", "station/stationtest/vm/guest"},
	"station/stationtest/vm/guest":      {},
	"station/stationtest/vm/guest/init": {"station/stationtest/vm/guest"},
	"station/baseline":                  {"serialproto/link"},
	"station/campaign":                  {},
	"serialproto":                       {},
	"serialproto/link":                  {"serialproto"},
	"serialproto/port":                  {},
	"serialproto/c/ctest":               {},
	"serialproto/agent":                 {"serialproto", "serialproto/link"},
	"serialproto/prototest":             {"serialproto", "serialproto/link"},
	"serialproto/conform":               {"serialproto", "serialproto/link", "serialproto/prototest"},
	"serialproto/agent/filestore":       {"serialproto", "serialproto/agent"},
	"assets":                            {},
	"tui":                               {"tui/...", "station", "station/config", "station/ledger", "station/batch"},
	"tui/":                              {"tui/...", "station", "station/config", "station/ledger", "station/batch"},
	"cmd/provagent":                     {"serialproto", "serialproto/agent", "serialproto/agent/filestore", "serialproto/link", "station/wgconf", "station/onbox", "station/onbox/tpmkey", "station/wgcheck"},
}

// allowed finds the rule for a package: its own, or that of the folder it lies in.
func allowed(pkg string) ([]string, bool) {
	if rule, ok := importRule[pkg]; ok {
		return rule, true
	}
	if strings.HasPrefix(pkg, "tui/") {
		return importRule["tui/"], true
	}
	return nil, false
}

func TestImportRule(t *testing.T) {
	for _, p := range listPackages(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name == "cmd/provstation" { // wires everything
			continue
		}
		rule, ok := allowed(name)
		if !ok {
			t.Errorf("%s has no rule: say in importRule what it may import", name)
			continue
		}
		for _, imp := range p.Imports {
			rel, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			fits := slices.ContainsFunc(rule, func(r string) bool {
				prefix, tree := strings.CutSuffix(r, "...")
				return rel == r || (tree && strings.HasPrefix(rel, prefix))
			})
			if !fits {
				t.Errorf("%s imports %s, which the import rule does not allow", name, rel)
			}
		}
	}
}

func TestForeignImports(t *testing.T) {
	forbidden := map[string][]string{
		"tui":           {"net/http", "database/sql", "provstation/serialproto"},
		"serialproto":   {"net/http", "database/sql"},
		"station/audit": {"net", "net/http", "os", "database/sql"},
		"station/pki":   {"net", "net/http", "os"},
	}
	only := map[string][]string{ // beside the standard library
		"serialproto":                 {"github.com/fxamacker/cbor/v2"},
		"serialproto/link":            {},
		"serialproto/agent":           {},
		"serialproto/agent/filestore": {},
	}
	for _, p := range listPackages(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		for folder, bad := range forbidden {
			if name != folder && !strings.HasPrefix(name, folder+"/") {
				continue
			}
			for _, imp := range p.Imports {
				for _, b := range bad {
					if imp == b || strings.HasPrefix(imp, b+"/") && strings.HasPrefix(b, module) {
						t.Errorf("%s imports %s", name, imp)
					}
				}
			}
		}
		if list, ok := only[name]; ok {
			for _, imp := range p.Imports {
				if strings.Contains(strings.Split(imp, "/")[0], ".") && !slices.Contains(list, imp) {
					t.Errorf("%s imports %s: it may use the standard library and the wire encoding alone", name, imp)
				}
			}
		}
	}
}

// The agent is a small program for small boxes. It links net/http to renew its certificate at the CA, and nothing that
// serves or debugs over it.
func TestAgentLinksNoScreenNoSQL(t *testing.T) {
	for _, p := range listPackages(t, "-deps", "./cmd/provagent") {
		for _, bad := range []string{
			"database/sql", "charm.land/", "modernc.org/", "provstation/tui", "provstation/station/ledger", "net/http/httptest", "net/http/pprof", "expvar",
		} {
			if strings.HasPrefix(p.ImportPath, bad) {
				t.Errorf("provagent links %s", p.ImportPath)
			}
		}
		if p.ImportPath == "provstation/station" {
			t.Errorf("provagent links the engine")
		}
	}
}
