package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// EnvConfig names the configuration file, unless a flag does.
const EnvConfig = "PROVSTATION_CONFIG"

// LoadOptions says where to look. The zero value searches the real places with the process's environment.
type LoadOptions struct {
	Path      string                 // --config; empty: search
	Env       map[string]string      // environment; nil: the process's
	Overrides map[string]string      // by flag, keyed by dotted path, as ports.baud; they win over everything
	Dir       string                 // working folder; empty: the process's
	Optional  bool                   // no file anywhere is no error: defaults, environment and overrides alone
	Hostname  func() (string, error) // for an empty station.name; nil: os.Hostname
	Places    []string               // search places instead of those of [SearchPaths], $PROVSTATION_CONFIG aside; nil: those
}

// Source says where a value came from.
type Source struct {
	From  string // default|host|file|tenant|env|flag
	Where string // FILE:LINE, "$VARIABLE", "--flag"; empty for defaults
}

// Sources remembers where a configuration came from.
type Sources struct {
	Path string // the file read, absolute; empty if there was none
	keys map[string]Source
	bad  map[string]bool // keys whose value did not fit: reported already
}

// Of gives a key's source, by its dotted path.
func (s Sources) Of(path string) Source {
	if src, ok := s.keys[path]; ok {
		return src
	}
	return Source{From: "default"}
}

// SearchPaths lists the places of a configuration file, first wins, $PROVSTATION_CONFIG aside: ./station.yaml, the
// user's configuration folder, /etc/provstation/station.yaml.
func SearchPaths(env map[string]string, dir string) []string {
	list := []string{filepath.Join(dir, "station.yaml")}
	if user := userConfigDir(env); user != "" {
		list = append(list, filepath.Join(user, "provstation", "station.yaml"))
	}
	if runtime.GOOS != "windows" {
		list = append(list, "/etc/provstation/station.yaml")
	}
	return list
}

// Load finds, reads, layers and validates a configuration. The error is an [*Error] with every problem, or wraps
// [ErrNotFound], or is the operating system's; the results are zero then.
func Load(o LoadOptions) (*Config, Sources, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, Sources{}, err
	}
	path, err := o.find()
	if err != nil {
		return nil, Sources{}, err
	}
	var data []byte
	if path != "" {
		if data, err = readFile(path); err != nil {
			return nil, Sources{}, fmt.Errorf("read configuration: %w", err)
		}
	}
	return o.build(path, data)
}

func (o LoadOptions) withDefaults() (LoadOptions, error) {
	if o.Env == nil {
		o.Env = map[string]string{}
		for _, kv := range os.Environ() {
			if k, v, ok := strings.Cut(kv, "="); ok {
				o.Env[k] = v
			}
		}
	}
	if o.Dir == "" {
		dir, err := os.Getwd()
		if err != nil {
			return o, fmt.Errorf("find the working folder: %w", err)
		}
		o.Dir = dir
	}
	if o.Hostname == nil {
		o.Hostname = os.Hostname
	}
	if o.Places == nil {
		o.Places = SearchPaths(o.Env, o.Dir)
	}
	return o, nil
}

// find gives the file to read. A file that was named must exist; of those searched, the first that is there is taken,
// and one that cannot be looked at is an error rather than passed over.
func (o LoadOptions) find() (string, error) {
	for _, named := range []string{o.Path, o.Env[EnvConfig]} {
		if named != "" {
			return absolute(o.Dir, named), nil
		}
	}
	for _, p := range o.Places {
		_, err := os.Stat(p)
		switch {
		case err == nil:
			return absolute(o.Dir, p), nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("look for a configuration: %w", err)
		}
	}
	if o.Optional {
		return "", nil
	}
	return "", fmt.Errorf("%w: looked at %s; name one with --config or $%s", ErrNotFound,
		strings.Join(o.Places, ", "), EnvConfig)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

// build layers data over the defaults and validates the whole and each tenant's profile.
func (o LoadOptions) build(path string, data []byte) (*Config, Sources, error) {
	ps, sch := &problems{}, newSchema()
	shown := path
	if rel, err := filepath.Rel(o.Dir, path); err == nil && !strings.HasPrefix(rel, "..") {
		shown = rel
	}
	rd := reader{schema: sch, ps: ps, file: shown, dir: filepath.Dir(path)}
	doc, readable := rd.read(data)
	if !readable { // what is missing from a file that cannot be read at all is no news
		return nil, Sources{}, ps.err()
	}
	env := envLayer(sch, o.Env, o.Dir, doc, ps)
	flags := overrideLayer(sch, o.Overrides, o.Dir, ps)

	name := tenantName(doc, env, flags)
	var profile layer
	if len(doc.tenants) > 0 {
		if profile = doc.tenants[name]; profile == nil {
			ps.add(unknownTenant(doc, name))
		}
	}
	c, src := o.assemble(sch, path, ps, doc.base, profile, env, flags)
	learnt := readLearnt(c, src, ps)
	learnt.merge(c, src)
	validate(c, src, ps)
	for _, t := range doc.order {
		tc, tsrc := o.assemble(sch, path, ps, doc.base, doc.tenants[t], env, flags)
		tc.Station.Tenant = t
		learnt.merge(tc, tsrc)
		if c.Tenants == nil {
			c.Tenants = map[string]Profile{}
		}
		c.Tenants[t] = Profile{Bridge: tc.Bridge, PKI: tc.PKI, MQTT: tc.MQTT, Tenant: tc.Tenant}
		if t != name {
			validate(tc, tsrc, tenantProblems(ps, t))
		}
	}
	if err := ps.err(); err != nil {
		return nil, Sources{}, err
	}
	return c, src, nil
}

// tenantProblems collects into ps. A problem of a profile that has no place of its own in the file is said with the
// tenant's name, so that it can be told from the same problem of another.
func tenantProblems(ps *problems, tenant string) *problems {
	return &problems{parent: ps, tenant: tenant}
}

func (o LoadOptions) assemble(
	sch schema, path string, ps *problems, base, profile, env, flags layer,
) (*Config, Sources) {
	c := Default()
	src := Sources{Path: path, keys: map[string]Source{}, bad: map[string]bool{}}
	sch.apply(c, base, src, ps)
	over := layer{}
	for k, v := range profile {
		v.from = "tenant"
		over[k] = v
	}
	sch.apply(c, over, src, ps)
	sch.apply(c, env, src, ps)
	sch.apply(c, flags, src, ps)
	profileSchema().setProfiles(c, base, src, ps)
	o.fill(c, src)
	return c, src
}

// fill sets what the host decides: name, ledger and log, and what stands beside the ledger.
func (o LoadOptions) fill(c *Config, src Sources) {
	host := Source{From: "host"}
	if c.Station.Name == "" && !src.bad["station.name"] {
		if h, err := o.Hostname(); err == nil {
			c.Station.Name, src.keys["station.name"] = h, host
		}
	}
	if state := StateDir(o.Env); state != "" {
		if c.Ledger.URL == "" && !src.bad["ledger.url"] {
			c.Ledger.URL, src.keys["ledger.url"] = sqliteScheme+filepath.Join(state, "ledger.db"), host
		}
		if c.Log.File == "" && !src.bad["log.file"] {
			c.Log.File, src.keys["log.file"] = filepath.Join(state, "provstation.log"), host
		}
	}
	dir, ok := c.ledgerDir()
	if state := StateDir(o.Env); !ok && c.Ledger.onServer() && state != "" {
		dir, ok = state, true // what the bench keeps for itself stays on it
	}
	if !ok || src.bad["ledger.url"] {
		return
	}
	if c.Ports.SlotsFile == "" && !src.bad["ports.slots_file"] {
		c.Ports.SlotsFile, src.keys["ports.slots_file"] = filepath.Join(dir, "slots.yaml"), host
	}
	if c.Batch.Folder == "" && !src.bad["batch.folder"] {
		c.Batch.Folder, src.keys["batch.folder"] = filepath.Join(dir, "batches"), host
	}
}

// ledgerDir is the folder of the ledger's file, if its URL names one.
func (c *Config) ledgerDir() (string, bool) {
	p, ok := strings.CutPrefix(c.Ledger.URL, sqliteScheme)
	if !ok || !filepath.IsAbs(p) {
		return "", false
	}
	return filepath.Dir(p), true
}

func tenantName(doc document, layers ...layer) string {
	name := Default().Station.Tenant
	for _, l := range append([]layer{doc.base}, layers...) {
		if v, ok := l["station.tenant"]; ok {
			name = v.text
		}
	}
	return name
}

func unknownTenant(doc document, name string) Problem {
	p := Problem{Key: "station.tenant", Nearest: nearest(name, doc.order)}
	if v, ok := doc.base["station.tenant"]; ok {
		p.Where = v.where
	}
	p.Message = fmt.Sprintf("no tenant %q among tenants: %s", clip(name), strings.Join(doc.order, ", "))
	return p
}

// envLayer reads PROVSTATION_ variables. One that begins like a setting and is none is a problem, since a typing mistake
// would otherwise go unseen; a variable that the configuration refers to as the place of a secret is left alone.
func envLayer(s schema, env map[string]string, dir string, doc document, ps *problems) layer {
	l := layer{}
	byEnv := map[string]string{}
	names := make([]string, 0, len(s.keys))
	for _, k := range s.keys {
		byEnv[k.Env] = k.Path
		names = append(names, k.Env)
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		path, known := byEnv[name]
		switch {
		case known:
			l[path] = value{kind: "string", text: env[name], where: "$" + name, from: "env", dir: dir}
		case strings.HasPrefix(name, envPrefix) && likeSetting(s, name) && !referred(name, doc, env):
			ps.add(Problem{
				Where: "$" + clip(name), Message: "unknown setting in the environment", Nearest: nearest(name, names),
			})
		}
	}
	return l
}

// likeSetting reports whether the variable's first word is a section of the configuration.
func likeSetting(s schema, name string) bool {
	rest := strings.TrimPrefix(name, envPrefix)
	for _, section := range s.children[""] {
		if strings.HasPrefix(rest, strings.ToUpper(section)+"_") {
			return true
		}
	}
	return false
}

func referred(name string, doc document, env map[string]string) bool {
	if slices.Contains(profileSecretEnvs(doc.base), name) {
		return true
	}
	for _, path := range secretEnvs() {
		if env[envName(path)] == name || doc.base[path].text == name {
			return true
		}
		for _, t := range doc.tenants {
			if t[path].text == name {
				return true
			}
		}
	}
	return false
}

func overrideLayer(s schema, overrides map[string]string, dir string, ps *problems) layer {
	l := layer{}
	for _, path := range slices.Sorted(maps.Keys(overrides)) {
		if _, ok := s.byPath[path]; !ok {
			ps.add(Problem{Where: "flag", Key: clip(path), Message: "unknown key", Nearest: nearest(path, s.paths())})
			continue
		}
		l[path] = value{kind: "string", text: overrides[path], where: "flag", from: "flag", dir: dir}
	}
	return l
}

func (s schema) paths() []string {
	list := make([]string, 0, len(s.keys))
	for _, k := range s.keys {
		list = append(list, k.Path)
	}
	return list
}

// ForTenant gives a copy of the configuration with another profile in force. It fails if there is no such profile.
func (c *Config) ForTenant(name string) (*Config, error) {
	p, ok := c.Tenants[name]
	if !ok {
		return nil, fmt.Errorf("no tenant %q in the configuration", clip(name))
	}
	out := c.Clone()
	p = clone(p)
	out.Station.Tenant, out.Bridge, out.PKI, out.MQTT, out.Tenant = name, p.Bridge, p.PKI, p.MQTT, p.Tenant
	return out, nil
}

// Clone copies the configuration; nothing is shared.
func (c *Config) Clone() *Config {
	out := clone(*c)
	return &out
}

// clone copies a configuration struct with its lists and maps.
func clone[T any](v T) T {
	deepCopy(reflect.ValueOf(&v).Elem())
	return v
}

func deepCopy(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			deepCopy(v.Field(i))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(out, v)
			v.Set(out)
		}
	case reflect.Map:
		if v.IsNil() {
			return
		}
		out := reflect.MakeMapWithSize(v.Type(), v.Len())
		for k, e := range v.Seq2() {
			item := reflect.New(e.Type()).Elem()
			item.Set(e)
			deepCopy(item)
			out.SetMapIndex(k, item)
		}
		v.Set(out)
	}
}
