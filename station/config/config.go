package config

import (
	"time"

	"provstation/station"
)

// Config is the effective configuration. Its zero value is not usable: start from [Default] or [Load].
type Config struct {
	Station   Station   `yaml:"station"`
	Bridge    Bridge    `yaml:"bridge"`
	PKI       PKI       `yaml:"pki"`
	MQTT      MQTT      `yaml:"mqtt"`
	WireGuard WireGuard `yaml:"wireguard"`
	Renewal   Renewal   `yaml:"renewal"`
	Tenant    Tenant    `yaml:"tenant"`
	Device    Device    `yaml:"device"`
	Clock     Clock     `yaml:"clock"`
	Ports     Ports     `yaml:"ports"`
	// Profiles holds the device profiles that the configuration names, each in full; see [Config.DeviceProfile].
	Profiles map[string]DeviceProfile `yaml:"profiles"`
	Batch    Batch                    `yaml:"batch"`
	People   People                   `yaml:"people"`
	Scan     Scan                     `yaml:"scan"`
	Labels   Labels                   `yaml:"labels"`
	Screen   Screen                   `yaml:"screen"`
	Phases   Phases                   `yaml:"phases"`
	Retry    Retry                    `yaml:"retry"`
	Ledger   Ledger                   `yaml:"ledger"`
	Log      Log                      `yaml:"log"`

	// Tenants holds the named profiles, each with its sections in full: what the profile leaves out is filled from the
	// base. The sections above are already those of the selected one. Nil without profiles.
	Tenants map[string]Profile `yaml:"-"`
}

// Profile is what one tenant may have of its own.
type Profile struct {
	Bridge Bridge `yaml:"bridge"`
	PKI    PKI    `yaml:"pki"`
	MQTT   MQTT   `yaml:"mqtt"`
	Tenant Tenant `yaml:"tenant"`
}

// Station says who this bench is.
type Station struct {
	Name     string `yaml:"name"`     // shown and recorded; the host's name if empty at load
	ID       string `yaml:"id"`       // UUID; empty: the ledger makes one and keeps it
	Site     string `yaml:"site"`     // recorded
	Tenant   string `yaml:"tenant"`   // recorded, and which profile of tenants holds
	Locale   string `yaml:"locale"`   // language of people's text, as en or de-DE; empty: from the environment
	Operator string `yaml:"operator"` // recorded; may be empty
}

// Bridge is the tenant's IoT Bridge API.
type Bridge struct {
	URL      string           `yaml:"url"` // base, may carry a path
	Contract station.Contract `yaml:"contract" enum:"auto|documented|deployed"`
	Timeout  Duration         `yaml:"timeout"` // of one whole request
	Auth     Auth             `yaml:"auth"`
	TLS      TLS              `yaml:"tls"`
}

// Authentication modes of [Auth].
const (
	AuthNone       = "none"
	AuthBearer     = "bearer"
	AuthOAuth2     = "oauth2"
	AuthClientCert = "client-cert"
)

// Auth says how the station authenticates to the bridge. CertFile and KeyFile may accompany any mode.
type Auth struct {
	Mode             string   `yaml:"mode" enum:"none|bearer|oauth2|client-cert"`
	TokenFile        string   `yaml:"token_file" path:"yes"`
	TokenEnv         string   `yaml:"token_env"`
	TokenURL         string   `yaml:"token_url"` // OAuth2 client credentials
	ClientID         string   `yaml:"client_id"`
	ClientSecretFile string   `yaml:"client_secret_file" path:"yes"`
	ClientSecretEnv  string   `yaml:"client_secret_env"`
	Scopes           []string `yaml:"scopes"`
	CertFile         string   `yaml:"cert_file" path:"yes"` // PEM, leaf first
	KeyFile          string   `yaml:"key_file" path:"yes"`
}

// Trust modes of [TLS].
const (
	TrustSystem = "system" // the operating system's roots
	TrustFile   = "file"   // the certificates of ca_file alone
	TrustRoot   = "root"   // the tenant's root alone: pki.root_file, or pki.root_fingerprint through step-ca
)

// TLS says whom the station believes to be the bridge.
type TLS struct {
	Trust      string `yaml:"trust" enum:"system|file|root"`
	CAFile     string `yaml:"ca_file" path:"yes"`
	ServerName string `yaml:"server_name"` // if it differs from the URL's host
}

// Policies: for the shelf life and all else that is doubtful.
const (
	PolicyAllow  = "allow"
	PolicyWarn   = "warn"
	PolicyRefuse = "refuse"
)

// PKI is what the station holds the certificates against.
type PKI struct {
	RootFingerprint   string `yaml:"root_fingerprint"` // SHA-256 of the root's DER, 64 lower-case hex digits
	RootFile          string `yaml:"root_file" path:"yes"`
	IntermediatesFile string `yaml:"intermediates_file" path:"yes"`
	StepCAURL         string `yaml:"step_ca_url"`
	// StepCAName is a host of the CA's own dnsNames, which tokens for it have to name; empty: the host of StepCAURL. Behind a
	// proxy the two differ.
	StepCAName  string   `yaml:"step_ca_name"`
	StepCATLS   TLS      `yaml:"step_ca_tls"`
	RenewBy     string   `yaml:"renew_by" enum:"auto|token|mtls"` // how the CA is shown that it is the device which asks
	MinValidity Duration `yaml:"min_validity"`                    // what a certificate must have left when it ships
	ShelfLife   string   `yaml:"shelf_life" enum:"warn|refuse"`
	KeyType     string   `yaml:"key_type" enum:"P-256|P-384|Ed25519"`
	Revoke      Revoke   `yaml:"revoke"`
}

// How the CA is shown that it is the device which asks for a renewal.
const (
	RenewAuto  = "auto"  // by token, else by mTLS
	RenewToken = "token" // the device signs a token
	RenewMTLS  = "mtls"  // the device signs a handshake with the CA
)

// Revoke is what the CA is asked to revoke certificates with, where their devices are not at hand: the key of a JWK provisioner,
// which the CA itself gives, closed by a password. Where neither file nor variable is named, a person is asked for it.
type Revoke struct {
	Provisioner  string `yaml:"provisioner"` // empty: the only JWK provisioner there is
	PasswordFile string `yaml:"password_file" path:"yes"`
	PasswordEnv  string `yaml:"password_env"`
}

// On reports whether anything is said of it.
func (r Revoke) On() bool { return r != Revoke{} }

// MQTT test modes.
const (
	MQTTBorrowed = "borrowed" // the station connects, the device signs
	MQTTDevice   = "device"   // the device connects by itself, and its word is taken
	MQTTBoth     = "both"     // the one, then the other: both must succeed
	MQTTOff      = "off"
)

// MQTT is the tenant's broker and how it is proven.
type MQTT struct {
	Mode       string `yaml:"mode" enum:"borrowed|device|both|off"`
	Host       string `yaml:"host"`
	Port       int    `yaml:"port"`
	ServerName string `yaml:"server_name"` // if it differs from host
	Topic      string `yaml:"topic"`
	Payload    string `yaml:"payload"`
	TLSMin     string `yaml:"tls_min" enum:"1.2|1.3"`
	TLSMax     string `yaml:"tls_max" enum:"1.2|1.3"`
	Protocol   string `yaml:"protocol" enum:"auto|5|3.1.1"`
}

// Who sees the handshake of a device's tunnel.
const (
	WGOff    = "off"
	WGDevice = "device" // the device brings its tunnel up, and tells
	WGServer = "server" // the station reads the server's interface
	WGPing   = "ping"   // the station pings the device through a tunnel of its own
)

// WireGuard is the tunnel that the bridge hands out.
type WireGuard struct {
	Mode   string `yaml:"mode" enum:"off|device|server|ping"` // how the tunnel is proven
	Enroll bool   `yaml:"enroll"`                             // ask for a tunnel at all
	// Server is where the tunnel server's peers can be read: the name of an interface of this machine, or the path of the
	// socket of a program that has it. Mode device uses it, too, to say why there is no handshake.
	Server     string `yaml:"server"`
	ServerKey  string `yaml:"server_key"`             // public key that every wg0.conf has to name; empty: any
	TunnelFile string `yaml:"tunnel_file" path:"yes"` // mode ping: wg0.conf of the station's own tunnel, with its private key
	// KeyOverTCP says whether a private key that the bridge made may cross a serial server's network, in the clear.
	KeyOverTCP string   `yaml:"key_over_tcp" enum:"refuse|allow"`
	Policy     WGPolicy `yaml:"policy"`
}

// WGPolicy says what becomes of a wg0.conf that is well formed but doubtful.
type WGPolicy struct {
	LoopbackEndpoint string `yaml:"loopback_endpoint" enum:"allow|warn|refuse"`
	RouteAll         string `yaml:"route_all" enum:"warn|refuse"`
	DNS              string `yaml:"dns" enum:"allow|warn|refuse"`
	PresharedKey     string `yaml:"preshared_key" enum:"warn|refuse"`
	SeveralPeers     string `yaml:"several_peers" enum:"warn|refuse"`
}

// Where a device's id comes from.
const (
	AssignAuto     = "auto"     // manifest while a batch is open, else template
	AssignTemplate = "template" // device.id_template
	AssignManifest = "manifest" // the batch's list
	AssignScan     = "scan"     // a label that somebody scans at the slot
)

// Device is how devices are named and treated.
type Device struct {
	Assign          string   `yaml:"assign" enum:"auto|template|manifest|scan"`
	ScanTimeout     Duration `yaml:"scan_timeout"` // how long a slot waits for its scan
	IDTemplate      string   `yaml:"id_template"`  // as edge-{serial_lower}; empty: an id must be given
	NameTemplate    string   `yaml:"name_template"`
	Type            string   `yaml:"type"`
	Reenroll        bool     `yaml:"reenroll"` // a new key for devices that are enrolled already
	NotCorroborated string   `yaml:"not_corroborated" enum:"warn|refuse"`
	KeyStore        []string `yaml:"key_store"` // where a device may keep its private key; empty: anywhere
	Unlock          Unlock   `yaml:"unlock"`
}

// Unlock is which keys open a device again once it is sealed.
type Unlock struct {
	// PinsFile is PEM public keys that a device is given at the bench, at most four.
	PinsFile string `yaml:"pins_file" path:"yes"`
	// KeyFile is the PEM private key of one of them; a station without it seals, and opens nothing.
	KeyFile      string `yaml:"key_file" path:"yes"`
	PasswordFile string `yaml:"password_file" path:"yes"` // of KeyFile, where that is encrypted
	PasswordEnv  string `yaml:"password_env"`
	Missing      string `yaml:"missing" enum:"warn|refuse"` // a device that could never be opened again
}

// Clock is how far clocks may be apart.
type Clock struct {
	Tolerance        Duration `yaml:"tolerance"`                        // device against station
	StationTolerance Duration `yaml:"station_tolerance"`                // station against the bridge's Date
	Set              bool     `yaml:"set"`                              // set a device's clock where it allows that
	Policy           string   `yaml:"policy" enum:"warn|refuse"`        // a clock that stays wrong
	WithoutClock     string   `yaml:"without_clock" enum:"warn|refuse"` // a device that has none
}

// PhasePolicy bounds one phase.
type PhasePolicy struct {
	Deadline Duration `yaml:"deadline"` // of the phase, all its tries included
	Tries    int      `yaml:"tries"`    // 1: no retry
}

// Phases bounds each phase that this version runs.
type Phases struct {
	Identify PhasePolicy `yaml:"identify"`
	Assign   PhasePolicy `yaml:"assign"`
	Clock    PhasePolicy `yaml:"clock"`
	Keygen   PhasePolicy `yaml:"keygen"`
	CSR      PhasePolicy `yaml:"csr"`
	Enroll   PhasePolicy `yaml:"enroll"`
	Renew    PhasePolicy `yaml:"renew"`
	Verify   PhasePolicy `yaml:"verify"`
	Install  PhasePolicy `yaml:"install"`
	Readback PhasePolicy `yaml:"readback"`
	MQTT     PhasePolicy `yaml:"mqtt"`

	WireGuard PhasePolicy `yaml:"wireguard"`

	Register PhasePolicy `yaml:"register"`

	Autorenew PhasePolicy `yaml:"autorenew"`

	Seal   PhasePolicy `yaml:"seal"`
	Record PhasePolicy `yaml:"record"`
}

// Map gives the bounds by phase.
func (p Phases) Map() map[station.Phase]PhasePolicy {
	return map[station.Phase]PhasePolicy{
		station.PhaseIdentify: p.Identify, station.PhaseAssign: p.Assign, station.PhaseClock: p.Clock,
		station.PhaseKeygen: p.Keygen, station.PhaseCSR: p.CSR, station.PhaseEnroll: p.Enroll,
		station.PhaseVerify: p.Verify, station.PhaseInstall: p.Install, station.PhaseReadback: p.Readback,
		station.PhaseMQTT: p.MQTT, station.PhaseWireGuard: p.WireGuard, station.PhaseRegister: p.Register,
		station.PhaseRenew: p.Renew, station.PhaseAutorenew: p.Autorenew,
		station.PhaseSeal: p.Seal, station.PhaseRecord: p.Record,
	}
}

// Retry is the pause between tries: doubling from First to Max, with jitter.
type Retry struct {
	First Duration `yaml:"first"`
	Max   Duration `yaml:"max"`
}

// Ledger says where records go.
type Ledger struct {
	// URL is sqlite:PATH or postgres://USER@HOST/DATABASE; empty at load: a file in the user's state folder.
	URL string `yaml:"url"`
	// PasswordFile or PasswordEnv says where the password of the database's user is; neither: it has none.
	PasswordFile string `yaml:"password_file" path:"yes"`
	PasswordEnv  string `yaml:"password_env"`
	// File is the station's own part of a ledger on a server; empty: ledger.db beside the log.
	File string `yaml:"file" path:"yes"`
	// Lease is how long a device is a station's without word from it.
	Lease Duration `yaml:"lease"`
}

// Log is the station's own log.
type Log struct {
	File  string `yaml:"file" path:"yes"` // empty at load: in the user's state folder
	Level string `yaml:"level" enum:"debug|info|warn|error"`
}

// Default is the configuration before any file: complete but for what only the tenant knows (bridge.url, mqtt.host and
// a trust anchor), the station's name, and the places of ledger and log, which [Load] fills from the environment.
func Default() *Config {
	return &Config{
		Station: Station{Tenant: "default"},
		Bridge: Bridge{
			Contract: station.ContractAuto, Timeout: seconds(90),
			Auth: Auth{Mode: AuthNone}, TLS: TLS{Trust: TrustSystem},
		},
		PKI: PKI{MinValidity: hours(30 * 24), ShelfLife: PolicyWarn, KeyType: "P-256", StepCATLS: TLS{Trust: TrustRoot}, RenewBy: RenewAuto},
		MQTT: MQTT{
			Mode: MQTTBorrowed, Port: 8883, Topic: "v1/devices/me/telemetry", Payload: `{"test": 1}`,
			TLSMin: "1.2", TLSMax: "1.3", Protocol: "auto",
		},
		Renewal: Renewal{Mode: RenewalOff, Missing: PolicyWarn},
		WireGuard: WireGuard{
			Mode: WGOff, Enroll: true, KeyOverTCP: PolicyRefuse,
			Policy: WGPolicy{
				LoopbackEndpoint: PolicyWarn, RouteAll: PolicyWarn, DNS: PolicyWarn, PresharedKey: PolicyRefuse,
				SeveralPeers: PolicyRefuse,
			},
		},
		Tenant: Tenant{
			ThingsBoard: ThingsBoard{Timeout: seconds(15), TLS: TLS{Trust: TrustSystem}},
			HawkBit:     HawkBit{MissingAttributes: PolicyWarn, Timeout: seconds(15), TLS: TLS{Trust: TrustSystem}},
		},
		Device: Device{
			Assign: AssignAuto, ScanTimeout: seconds(600), NameTemplate: "{id}", Type: "generic", NotCorroborated: PolicyWarn,
			Unlock: Unlock{Missing: PolicyWarn},
		},
		// A leaf is valid from one minute before it was signed: a clock further behind than that refuses it.
		Clock: Clock{
			Tolerance: seconds(30), StationTolerance: seconds(60), Set: true, Policy: PolicyRefuse,
			WithoutClock: PolicyWarn,
		},
		Ports: Ports{Unknown: UnknownShow, Baud: 115200, Profile: ProfileAgent},
		Batch: Batch{HoldAfter: 3},
		Scan: Scan{
			BadgePrefix: "PSB:", CommandPrefix: "PS:", Gap: Duration(25 * time.Millisecond), MinLength: 4,
		},
		Labels: Labels{Template: "zpl-50x25"},
		Screen: Screen{Theme: ThemeAuto, ASCII: ASCIIAuto, Bell: true},
		Phases: Phases{
			Identify: PhasePolicy{seconds(30), 3}, Assign: PhasePolicy{seconds(10), 1},
			Clock: PhasePolicy{seconds(30), 2}, Keygen: PhasePolicy{seconds(90), 3},
			CSR: PhasePolicy{seconds(10), 1}, Enroll: PhasePolicy{seconds(420), 4},
			Verify: PhasePolicy{seconds(60), 2}, Install: PhasePolicy{seconds(120), 3},
			Readback: PhasePolicy{seconds(60), 3}, MQTT: PhasePolicy{seconds(120), 3},
			WireGuard: PhasePolicy{seconds(60), 2}, Register: PhasePolicy{seconds(60), 3},
			Renew: PhasePolicy{seconds(90), 3}, Autorenew: PhasePolicy{seconds(30), 1},
			Seal: PhasePolicy{seconds(60), 3}, Record: PhasePolicy{seconds(30), 2},
		},
		Retry:  Retry{First: seconds(1), Max: seconds(20)},
		Ledger: Ledger{Lease: seconds(600)},
		Log:    Log{Level: "info"},
	}
}
