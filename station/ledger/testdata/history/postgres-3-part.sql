-- postgres-3-part: see fixtures() in station/ledger/history_test.go. Made, not written.
CREATE TABLE public.batch_devices (
    tenant text NOT NULL COLLATE pg_catalog."C",
    batch text NOT NULL COLLATE pg_catalog."C",
    line bigint NOT NULL,
    hardware_serial text NOT NULL COLLATE pg_catalog."C",
    device_id text NOT NULL COLLATE pg_catalog."C",
    device_id_fold text NOT NULL COLLATE pg_catalog."C",
    label text NOT NULL COLLATE pg_catalog."C",
    label_fold text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT batch_devices_check CHECK (((hardware_serial <> ''::text) OR (device_id <> ''::text) OR (label <> ''::text))),
    CONSTRAINT batch_devices_check1 CHECK (((device_id = ''::text) = (device_id_fold = ''::text))),
    CONSTRAINT batch_devices_check2 CHECK (((label = ''::text) = (label_fold = ''::text))),
    CONSTRAINT batch_devices_line_check CHECK ((line > 0))
);

CREATE TABLE public.batch_states (
    tenant text NOT NULL COLLATE pg_catalog."C",
    batch text NOT NULL COLLATE pg_catalog."C",
    n bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    by text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    CONSTRAINT batch_states_state_check CHECK ((state = ANY (ARRAY['open'::text, 'paused'::text, 'held'::text, 'closed'::text])))
);

CREATE TABLE public.batches (
    tenant text NOT NULL COLLATE pg_catalog."C",
    batch text NOT NULL COLLATE pg_catalog."C",
    station text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    opened_by text NOT NULL COLLATE pg_catalog."C",
    opened_at bigint NOT NULL,
    closed_at bigint,
    CONSTRAINT batches_batch_check CHECK ((batch <> ''::text)),
    CONSTRAINT batches_check CHECK (((state = 'closed'::text) = (closed_at IS NOT NULL))),
    CONSTRAINT batches_digest_check CHECK ((length(digest) = 32)),
    CONSTRAINT batches_state_check CHECK ((state = ANY (ARRAY['open'::text, 'paused'::text, 'held'::text, 'closed'::text]))),
    CONSTRAINT batches_station_check CHECK ((station <> ''::text)),
    CONSTRAINT batches_tenant_check CHECK ((tenant <> ''::text))
);

CREATE TABLE public.ca_certificates (
    fingerprint bytea NOT NULL,
    der bytea NOT NULL,
    CONSTRAINT ca_certificates_fingerprint_check CHECK ((length(fingerprint) = 32))
);

CREATE TABLE public.certificate_addresses (
    leaf bytea NOT NULL,
    "position" bigint NOT NULL,
    address text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.certificates (
    fingerprint bytea NOT NULL,
    tenant text NOT NULL COLLATE pg_catalog."C",
    device_id text NOT NULL COLLATE pg_catalog."C",
    device_id_fold text NOT NULL COLLATE pg_catalog."C",
    hardware_serial text NOT NULL COLLATE pg_catalog."C",
    run text NOT NULL COLLATE pg_catalog."C",
    post text COLLATE pg_catalog."C",
    spki bytea NOT NULL,
    cert_serial text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    issuer text NOT NULL COLLATE pg_catalog."C",
    aki text NOT NULL COLLATE pg_catalog."C",
    issuer_fingerprint text NOT NULL COLLATE pg_catalog."C",
    not_before bigint,
    not_after bigint,
    der bytea NOT NULL,
    wg_conf text NOT NULL COLLATE pg_catalog."C",
    wireguard_key_by_bridge bigint NOT NULL,
    contract text NOT NULL COLLATE pg_catalog."C",
    received_at bigint NOT NULL,
    revoked_at bigint,
    revoke_reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT certificates_fingerprint_check CHECK ((length(fingerprint) = 32)),
    CONSTRAINT certificates_spki_check CHECK ((length(spki) = 32)),
    CONSTRAINT certificates_wireguard_key_by_bridge_check CHECK ((wireguard_key_by_bridge = ANY (ARRAY[(0)::bigint, (1)::bigint])))
);

CREATE TABLE public.chains (
    leaf bytea NOT NULL,
    "position" bigint NOT NULL,
    ca bytea NOT NULL
);

CREATE TABLE public.devices (
    tenant text NOT NULL COLLATE pg_catalog."C",
    hardware_serial text NOT NULL COLLATE pg_catalog."C",
    device_id text COLLATE pg_catalog."C",
    device_id_fold text COLLATE pg_catalog."C",
    id_source text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    bound_run text COLLATE pg_catalog."C",
    bound_at bigint,
    model text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    firmware text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    attempts bigint DEFAULT 0 NOT NULL,
    spki bytea,
    leaf bytea,
    pass_run text COLLATE pg_catalog."C",
    passed_at bigint,
    last_run text COLLATE pg_catalog."C",
    last_outcome text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    first_seen bigint NOT NULL,
    updated_at bigint NOT NULL,
    CONSTRAINT devices_check CHECK (((device_id IS NULL) = (device_id_fold IS NULL))),
    CONSTRAINT devices_device_id_check CHECK ((device_id <> ''::text)),
    CONSTRAINT devices_hardware_serial_check CHECK ((hardware_serial <> ''::text)),
    CONSTRAINT devices_leaf_check CHECK ((length(leaf) = 32)),
    CONSTRAINT devices_spki_check CHECK ((length(spki) = 32)),
    CONSTRAINT devices_tenant_check CHECK ((tenant <> ''::text))
);

CREATE TABLE public.goose_db_version (
    id integer NOT NULL,
    version_id bigint NOT NULL,
    is_applied boolean NOT NULL,
    tstamp timestamp without time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.goose_db_version ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.goose_db_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.keys (
    spki bytea NOT NULL,
    tenant text NOT NULL COLLATE pg_catalog."C",
    hardware_serial text NOT NULL COLLATE pg_catalog."C",
    device_id text NOT NULL COLLATE pg_catalog."C",
    enroll_id bytea,
    generation bigint NOT NULL,
    key_type text NOT NULL COLLATE pg_catalog."C",
    key_store text NOT NULL COLLATE pg_catalog."C",
    csr_digest bytea,
    wireguard_key bytea,
    run text NOT NULL COLLATE pg_catalog."C",
    recorded_at bigint NOT NULL,
    CONSTRAINT keys_csr_digest_check CHECK ((length(csr_digest) = 32)),
    CONSTRAINT keys_enroll_id_check CHECK ((length(enroll_id) = 8)),
    CONSTRAINT keys_spki_check CHECK ((length(spki) = 32)),
    CONSTRAINT keys_wireguard_key_check CHECK ((length(wireguard_key) = 32))
);

CREATE TABLE public.label_prints (
    print text NOT NULL COLLATE pg_catalog."C",
    tenant text NOT NULL COLLATE pg_catalog."C",
    device_id text NOT NULL COLLATE pg_catalog."C",
    device_id_fold text NOT NULL COLLATE pg_catalog."C",
    hardware_serial text NOT NULL COLLATE pg_catalog."C",
    run text COLLATE pg_catalog."C",
    template text NOT NULL COLLATE pg_catalog."C",
    printer text NOT NULL COLLATE pg_catalog."C",
    copy bigint NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C",
    operator text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    ok bigint,
    error text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    ended_at bigint,
    CONSTRAINT label_prints_check CHECK (((copy = 1) OR (reason <> ''::text))),
    CONSTRAINT label_prints_check1 CHECK (((ok IS NULL) = (ended_at IS NULL))),
    CONSTRAINT label_prints_copy_check CHECK ((copy > 0)),
    CONSTRAINT label_prints_device_id_check CHECK ((device_id <> ''::text)),
    CONSTRAINT label_prints_device_id_fold_check CHECK ((device_id_fold <> ''::text)),
    CONSTRAINT label_prints_ok_check CHECK ((ok = ANY (ARRAY[(0)::bigint, (1)::bigint]))),
    CONSTRAINT label_prints_tenant_check CHECK ((tenant <> ''::text))
);

CREATE TABLE public.observations (
    run text NOT NULL COLLATE pg_catalog."C",
    n bigint NOT NULL,
    hardware_serial text NOT NULL COLLATE pg_catalog."C",
    model text NOT NULL COLLATE pg_catalog."C",
    firmware text NOT NULL COLLATE pg_catalog."C",
    boot_id text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    clock_offset_us bigint,
    observed_at bigint NOT NULL
);

CREATE TABLE public.overrides (
    run text NOT NULL COLLATE pg_catalog."C",
    held_run text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    operator text NOT NULL COLLATE pg_catalog."C",
    lead text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    CONSTRAINT overrides_check CHECK (((lead <> ''::text) AND (lead <> operator))),
    CONSTRAINT overrides_reason_check CHECK ((reason <> ''::text))
);

CREATE TABLE public.phases (
    run text NOT NULL COLLATE pg_catalog."C",
    n bigint NOT NULL,
    phase text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    started_at bigint NOT NULL,
    ended_at bigint NOT NULL,
    tries bigint NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C",
    facts text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT phases_status_check CHECK ((status = ANY (ARRAY['done'::text, 'failed'::text, 'skipped'::text])))
);

CREATE TABLE public.posts (
    post text NOT NULL COLLATE pg_catalog."C",
    run text NOT NULL COLLATE pg_catalog."C",
    tenant text NOT NULL COLLATE pg_catalog."C",
    device_id text NOT NULL COLLATE pg_catalog."C",
    spki bytea NOT NULL,
    csr_digest bytea,
    contract text NOT NULL COLLATE pg_catalog."C",
    begun_at bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    ended_at bigint,
    CONSTRAINT posts_csr_digest_check CHECK ((length(csr_digest) = 32)),
    CONSTRAINT posts_spki_check CHECK ((length(spki) = 32)),
    CONSTRAINT posts_state_check CHECK ((state = ANY (ARRAY['open'::text, 'issued'::text, 'not-issued'::text, 'unknown'::text])))
);

CREATE TABLE public.proofs (
    run text NOT NULL COLLATE pg_catalog."C",
    n bigint NOT NULL,
    tenant text NOT NULL COLLATE pg_catalog."C",
    hardware_serial text NOT NULL COLLATE pg_catalog."C",
    device_id text NOT NULL COLLATE pg_catalog."C",
    spki bytea NOT NULL,
    leaf bytea NOT NULL,
    proof text NOT NULL COLLATE pg_catalog."C",
    broker text NOT NULL COLLATE pg_catalog."C",
    tls text NOT NULL COLLATE pg_catalog."C",
    mqtt text NOT NULL COLLATE pg_catalog."C",
    readback text NOT NULL COLLATE pg_catalog."C",
    proven_at bigint NOT NULL,
    CONSTRAINT proofs_leaf_check CHECK ((length(leaf) = 32)),
    CONSTRAINT proofs_proof_check CHECK ((proof = ANY (ARRAY['broker-acked'::text, 'broker-delivered'::text]))),
    CONSTRAINT proofs_spki_check CHECK ((length(spki) = 32))
);

CREATE TABLE public.pruned (
    prune text NOT NULL COLLATE pg_catalog."C",
    tenant text NOT NULL COLLATE pg_catalog."C",
    before bigint NOT NULL,
    pruned_by text NOT NULL COLLATE pg_catalog."C",
    pruned_at bigint NOT NULL,
    runs bigint NOT NULL,
    phases bigint NOT NULL,
    observations bigint NOT NULL,
    label_prints bigint NOT NULL,
    digest bytea NOT NULL,
    CONSTRAINT pruned_digest_check CHECK ((length(digest) = 32)),
    CONSTRAINT pruned_tenant_check CHECK ((tenant <> ''::text))
);

CREATE TABLE public.resolutions (
    run text NOT NULL COLLATE pg_catalog."C",
    tenant text NOT NULL COLLATE pg_catalog."C",
    hardware_serial text NOT NULL COLLATE pg_catalog."C",
    decision text NOT NULL COLLATE pg_catalog."C",
    spki bytea,
    reason text NOT NULL COLLATE pg_catalog."C",
    decided_by text NOT NULL COLLATE pg_catalog."C",
    decided_at bigint NOT NULL,
    CONSTRAINT resolutions_check CHECK (((decision = 'keep'::text) = (spki IS NOT NULL))),
    CONSTRAINT resolutions_decided_by_check CHECK ((decided_by <> ''::text)),
    CONSTRAINT resolutions_decision_check CHECK ((decision = ANY (ARRAY['keep'::text, 're-enroll'::text, 'decommissioned'::text, 'ignore'::text]))),
    CONSTRAINT resolutions_hardware_serial_check CHECK ((hardware_serial <> ''::text)),
    CONSTRAINT resolutions_reason_check CHECK ((reason <> ''::text)),
    CONSTRAINT resolutions_spki_check CHECK ((length(spki) = 32)),
    CONSTRAINT resolutions_tenant_check CHECK ((tenant <> ''::text))
);

CREATE TABLE public.runs (
    run text NOT NULL COLLATE pg_catalog."C",
    tenant text NOT NULL COLLATE pg_catalog."C",
    site text NOT NULL COLLATE pg_catalog."C",
    station text NOT NULL COLLATE pg_catalog."C",
    station_id text NOT NULL COLLATE pg_catalog."C",
    operator text NOT NULL COLLATE pg_catalog."C",
    batch text NOT NULL COLLATE pg_catalog."C",
    profile text NOT NULL COLLATE pg_catalog."C",
    slot text NOT NULL COLLATE pg_catalog."C",
    port text NOT NULL COLLATE pg_catalog."C",
    version text NOT NULL COLLATE pg_catalog."C",
    config_digest text NOT NULL COLLATE pg_catalog."C",
    started_at bigint NOT NULL,
    utc_offset bigint NOT NULL,
    requested_device_id text NOT NULL COLLATE pg_catalog."C",
    requested_key_type text NOT NULL COLLATE pg_catalog."C",
    requested_reenroll bigint NOT NULL,
    hardware_serial text COLLATE pg_catalog."C",
    attempt bigint,
    device_id text COLLATE pg_catalog."C",
    device_id_fold text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C",
    proof text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    phase text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    code text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    params text DEFAULT '{}'::text NOT NULL COLLATE pg_catalog."C",
    warnings text DEFAULT '[]'::text NOT NULL COLLATE pg_catalog."C",
    spki bytea,
    leaf bytea,
    not_after bigint,
    contract text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    wire_tx bigint DEFAULT 0 NOT NULL,
    wire_rx bigint DEFAULT 0 NOT NULL,
    elapsed_us bigint DEFAULT 0 NOT NULL,
    ended_at bigint,
    search text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT runs_attempt_check CHECK ((attempt > 0)),
    CONSTRAINT runs_check CHECK (((outcome IS NULL) = (ended_at IS NULL))),
    CONSTRAINT runs_check1 CHECK (((outcome IS NULL) OR (outcome <> 'PASS'::text) OR ((proof <> ''::text) AND (spki IS NOT NULL) AND (leaf IS NOT NULL) AND (hardware_serial IS NOT NULL) AND (device_id IS NOT NULL)))),
    CONSTRAINT runs_leaf_check CHECK ((length(leaf) = 32)),
    CONSTRAINT runs_outcome_check CHECK ((outcome = ANY (ARRAY['PASS'::text, 'FAIL'::text, 'ERROR'::text, 'TIMEOUT'::text, 'ABORTED'::text, 'INSTALLED'::text, 'SKIPPED'::text, 'UNCERTAIN'::text]))),
    CONSTRAINT runs_proof_check CHECK ((proof = ANY (ARRAY[''::text, 'broker-acked'::text, 'broker-delivered'::text]))),
    CONSTRAINT runs_requested_reenroll_check CHECK ((requested_reenroll = ANY (ARRAY[(0)::bigint, (1)::bigint]))),
    CONSTRAINT runs_spki_check CHECK ((length(spki) = 32)),
    CONSTRAINT runs_tenant_check CHECK ((tenant <> ''::text)),
    CONSTRAINT runs_wire_rx_check CHECK ((wire_rx >= 0)),
    CONSTRAINT runs_wire_tx_check CHECK ((wire_tx >= 0))
);

CREATE TABLE public.tunnel_addresses (
    tenant text NOT NULL COLLATE pg_catalog."C",
    address text NOT NULL COLLATE pg_catalog."C",
    hardware_serial text NOT NULL COLLATE pg_catalog."C",
    device_id text NOT NULL COLLATE pg_catalog."C",
    run text NOT NULL COLLATE pg_catalog."C",
    claimed_at bigint NOT NULL
);

CREATE TABLE public.wireguard_keys (
    wireguard_key bytea NOT NULL,
    tenant text NOT NULL COLLATE pg_catalog."C",
    hardware_serial text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT wireguard_keys_wireguard_key_check CHECK ((length(wireguard_key) = 32))
);

CREATE TABLE public.write_check (
    id bigint NOT NULL,
    checked_at bigint NOT NULL,
    CONSTRAINT write_check_id_check CHECK ((id = 1))
);

INSERT INTO public.batch_devices VALUES
	('acme', 'Los Ä-1', 2, 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'ÉTIQUETTE-1', 'étiquette-1'),
	('acme', 'Los Ä-1', 3, '', 'dev-later-1', 'dev-later-1', '', ''),
	('acme', 'Los Ä-1', 4, '', '', '', 'Gerät Ø 1', 'gerät ø 1'),
	('acme', 'Los alt-1', 2, 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'ÉTIQUETTE-1', 'étiquette-1'),
	('acme', 'Los alt-1', 3, '', 'dev-later-1', 'dev-later-1', '', ''),
	('acme', 'Los alt-1', 4, '', '', '', 'Gerät Ø 1', 'gerät ø 1');

INSERT INTO public.batch_states VALUES
	('acme', 'Los Ä-1', 1, 'open', '', '', 'Łukasz Żółć', 1795428600123456),
	('acme', 'Los Ä-1', 2, 'held', 'E-BRIDGE-DOWN', '', '', 1795432200123456),
	('acme', 'Los Ä-1', 3, 'open', '', '', 'Grace', 1795435800123456),
	('acme', 'Los Ä-1', 4, 'paused', '', 'Mittag, später weiter', 'Zoë Ångström', 1795439400123456),
	('acme', 'Los alt-1', 1, 'open', '', '', 'Łukasz Żółć', 1795428600123456),
	('acme', 'Los alt-1', 2, 'closed', '', 'fertig', '', 1795446600123456);

INSERT INTO public.batches VALUES
	('acme', 'Los Ä-1', 'bench-1', 'paused', '', 'Mittag, später weiter', '\x7458a90f04ac547f723e834bfc955d06d24ac5edeb4dff692789b06bfb8bbee2', 'Łukasz Żółć', 1795428600123456, NULL),
	('acme', 'Los alt-1', 'bench-old-1', 'closed', '', 'fertig', '\x6307b06389b3306e8393c99a5deda4b58857932bfb5340c21399401d0d4fe197', 'Łukasz Żółć', 1795428600123456, 1795446600123456);

INSERT INTO public.ca_certificates VALUES
	('\x58d7cd0635b340f7396f75917f53ed42ddad089e1788d99fa212c57faef89cd0', '\x3082016b30820110a003020102020102300a06082a8648ce3d04030230173115301306035504030c0c526f6f742053747261c39f65301e170d3236313132333039303030305a170d3237313132333130303030305a3011310f300d060355040313065375622d43413059301306072a8648ce3d020106082a8648ce3d030107034200043ad9bcd2477d29f11f8c489e98ee37b3c604c62facde3d883714cabb213d87774dd479178ef123a1067f244ba88130ddb6ba08fefbd6851e186c9b904aa0d7e3a3533051300f0603551d130101ff040530030101ff301d0603551d0e0416041453579732db8dcc982b130652bd089ef7fe6d28f0301f0603551d23041830168014cded3d57f3a7b59a69d19f961ec1a72b8676b42c300a06082a8648ce3d0403020349003046022100b2ce32fba198e58d2fa2657f4ca6fa31bf522fda42662529a784f5f549937c53022100fa76c406a5046df648a4e790f32373d3b10b64842078367af1c31e2ca43fe43e'),
	('\x7529af5371444eab97f8dea2072c99a2757ea73dedb52c94782cec4db883e0d0', '\x3082014e3081f5a003020102020101300a06082a8648ce3d04030230173115301306035504030c0c526f6f742053747261c39f65301e170d3236313132333039303030305a170d3237313132333130303030305a30173115301306035504030c0c526f6f742053747261c39f653059301306072a8648ce3d020106082a8648ce3d03010703420004c37cd4629f1c9d349f270d67cd8995408ce458c4a7e7abc0b3886a08f116a3cf3a8e818d4e88d2415314b790710685df840f11ecb108d1cbcbd7d4126ec46ee4a3323030300f0603551d130101ff040530030101ff301d0603551d0e04160414cded3d57f3a7b59a69d19f961ec1a72b8676b42c300a06082a8648ce3d0403020348003045022100a828aa0836feeef4bd096b24cee3f8878dd03dbabc999d732a1f635815d13a8a02206f083041a4b3774d79c46e41b8c84f39ed60a6b1ad3a6a7eda82e48d371e3810'),
	('\xf0a6545539899f751e3944a50486619571a5de037b3650cabc087823525d794f', '\x3082737562'),
	('\xfb85d05f307176288798ebea2857df424cec543948854884523446b9010542eb', '\x3082696361'),
	('\xeb849206cdaa06f66ae7d3e0cf20d6d2d1c4181efc87c8395dd01d45619b1a54', '\x3082726f6f74');

INSERT INTO public.certificate_addresses VALUES
	('\x3ff8a023c03a67b906f80651086cd0e2b70ae9028e6a419fe1a001bdc0e1235b', 0, '10.1.0.2'),
	('\x3ff8a023c03a67b906f80651086cd0e2b70ae9028e6a419fe1a001bdc0e1235b', 1, 'fd00::12'),
	('\xa566b3ba5a90dc1fbd6ac905dc46a6d4deaebb695d747f2437411fb97c31c463', 0, '10.1.0.3');

INSERT INTO public.certificates VALUES
	('\x3ff8a023c03a67b906f80651086cd0e2b70ae9028e6a419fe1a001bdc0e1235b', 'acme', 'Dev-1-1001', 'dev-1-1001', 'SN-1-PASS-ÄÖÜ', '01a22544-3751-7e68-93e3-815aa4ae7c2e', '01a22544-3751-7e71-aa34-efb273ce8857', '\x8ec8e8fc08e4fc1da5531db143ea0a7bbca1da4ac62a4d2a49095cbe29c28154', '0aff3f', 'CN=Dev-1-1001', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428000123456, 1795514460123456, '\x308201383081dea003020102020103300a06082a8648ce3d0403023011310f300d060355040313065375622d4341301e170d3236313132333039303030305a170d3237313132333130303030305a3015311330110603550403130a4465762d312d313030313059301306072a8648ce3d020106082a8648ce3d0301070342000426858a382b9aaf31af0302a437e250d6eee5c5167a8fcfeb5b5a5cf846fed760f677810c65df9d4c63932198ef52551d0f9c9e049cd6d6faa19804bebac00a8ba3233021301f0603551d2304183016801453579732db8dcc982b130652bd089ef7fe6d28f0300a06082a8648ce3d0403020349003046022100fe5798314e045b7bd41b33be9c8ccfafe18dd6b9807d5fbb029893edfac2640a022100c88598060ddb9bfa6c0a2ce47fecac93cd83c48af0eba585df80051534b25232', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428060123456, NULL, ''),
	('\xa566b3ba5a90dc1fbd6ac905dc46a6d4deaebb695d747f2437411fb97c31c463', 'acme', 'Dev-1-1002', 'dev-1-1002', 'SN-1-FAIL', '01a22544-3789-7a51-955e-6246057b4445', '01a22544-3789-7a56-ae1b-a5f2d3504a01', '\xdb5e41d18bdbaf55c207f8b96c51838dadd97c000205710d61b7ed75174cf8c6', '0affa5', 'CN=Dev-1-1002', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428060123456, 2111047320123456, '\x30826c656166206f6620534e2d312d4641494c', '[Interface]
Address = 10.8.0.2/32
', 1, 'deployed', 1795428120123456, NULL, ''),
	('\x00544cd82ba115e43cef45e6319fa9d79b0fa47f479626b545dc1fa0d606c70f', 'acme', 'Dev-1-1004', 'dev-1-1004', 'SN-1-INSTALLED', '01a22544-37a7-730e-813b-c44d44ed07d3', '01a22544-37a7-7314-9d3a-7a2dbe74339b', '\x3531bc3eba731517f05c9d08d21c1c9fa1cb0e368211fd38fa47f12fc7e96b88', '0aff0', 'CN=Dev-1-1004', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428180123456, 1795514640123456, '\x30826c656166206f6620534e2d312d494e5354414c4c4544', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428240123456, NULL, ''),
	('\x442509600cada82e2508838e4056b2238ef3a9d5d031967c34a6495d79caf9cd', 'acme', 'Dev-1-1007', 'dev-1-1007', 'SN-1-TWICE', '01a22544-37b6-7a88-b9f4-1a0555bc228b', '01a22544-37b6-7a8c-9726-31a5952fb88d', '\x73119b6ff8c2a768c533737c6cffb170c8fd2a8c412b10700f9739dc2ae7423c', '0aff44', 'CN=Dev-1-1007', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428360123456, 1795514820123456, '\x30826c656166206f6620534e2d312d5457494345', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428420123456, 1795432020123456, 'superseded'),
	('\x8a5e211a1165f632d1cb0806543c899f5606727f68750409f28a4b4c9e8936f8', 'acme', 'Dev-1-1007', 'dev-1-1007', 'SN-1-TWICE', '01a22544-37c3-7eb6-895c-80eaa78797c7', '01a22544-37c3-7eba-a6bb-96b6270d4f21', '\x8ef89fa65c929dd7abaa88364372e1ac8f9c863b10b965eb6d40dde18df514da', '0aff8a', 'CN=Dev-1-1007', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428420123456, 1795514880123456, '\x30827365636f6e64206c656166206f6620534e2d312d5457494345', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428480123456, NULL, ''),
	('\x9b5f0c90d28a84a13385f5b24c7eed8f425e7212a652352b3beaf5a4f8576d5b', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a22544-37d1-7c3f-bb67-240b042b5347', '01a22544-37d1-7c46-953c-fdb2a8f88fb8', '\xac8ca2845ad0fb12d432e0893a5ecba9bbfac5a96337225febc8b92886754fa1', '0aff9b', 'CN=Dev-SN-1-LOT-1', 'CN=Tenant Sub-CA', 'aa01', 'ff02', 1795428540123456, 1795515000123456, '\x30826c656166206f6620534e2d312d4c4f542d31', '[Interface]
Address = 10.8.0.2/32
', 0, 'deployed', 1795428600123456, NULL, '');

INSERT INTO public.chains VALUES
	('\x3ff8a023c03a67b906f80651086cd0e2b70ae9028e6a419fe1a001bdc0e1235b', 0, '\x58d7cd0635b340f7396f75917f53ed42ddad089e1788d99fa212c57faef89cd0'),
	('\x3ff8a023c03a67b906f80651086cd0e2b70ae9028e6a419fe1a001bdc0e1235b', 1, '\x7529af5371444eab97f8dea2072c99a2757ea73dedb52c94782cec4db883e0d0'),
	('\xa566b3ba5a90dc1fbd6ac905dc46a6d4deaebb695d747f2437411fb97c31c463', 0, '\xf0a6545539899f751e3944a50486619571a5de037b3650cabc087823525d794f'),
	('\xa566b3ba5a90dc1fbd6ac905dc46a6d4deaebb695d747f2437411fb97c31c463', 1, '\xfb85d05f307176288798ebea2857df424cec543948854884523446b9010542eb'),
	('\xa566b3ba5a90dc1fbd6ac905dc46a6d4deaebb695d747f2437411fb97c31c463', 2, '\xeb849206cdaa06f66ae7d3e0cf20d6d2d1c4181efc87c8395dd01d45619b1a54'),
	('\x00544cd82ba115e43cef45e6319fa9d79b0fa47f479626b545dc1fa0d606c70f', 0, '\xf0a6545539899f751e3944a50486619571a5de037b3650cabc087823525d794f'),
	('\x00544cd82ba115e43cef45e6319fa9d79b0fa47f479626b545dc1fa0d606c70f', 1, '\xfb85d05f307176288798ebea2857df424cec543948854884523446b9010542eb'),
	('\x00544cd82ba115e43cef45e6319fa9d79b0fa47f479626b545dc1fa0d606c70f', 2, '\xeb849206cdaa06f66ae7d3e0cf20d6d2d1c4181efc87c8395dd01d45619b1a54'),
	('\x442509600cada82e2508838e4056b2238ef3a9d5d031967c34a6495d79caf9cd', 0, '\xf0a6545539899f751e3944a50486619571a5de037b3650cabc087823525d794f'),
	('\x442509600cada82e2508838e4056b2238ef3a9d5d031967c34a6495d79caf9cd', 1, '\xfb85d05f307176288798ebea2857df424cec543948854884523446b9010542eb'),
	('\x442509600cada82e2508838e4056b2238ef3a9d5d031967c34a6495d79caf9cd', 2, '\xeb849206cdaa06f66ae7d3e0cf20d6d2d1c4181efc87c8395dd01d45619b1a54'),
	('\x8a5e211a1165f632d1cb0806543c899f5606727f68750409f28a4b4c9e8936f8', 0, '\xf0a6545539899f751e3944a50486619571a5de037b3650cabc087823525d794f'),
	('\x8a5e211a1165f632d1cb0806543c899f5606727f68750409f28a4b4c9e8936f8', 1, '\xfb85d05f307176288798ebea2857df424cec543948854884523446b9010542eb'),
	('\x8a5e211a1165f632d1cb0806543c899f5606727f68750409f28a4b4c9e8936f8', 2, '\xeb849206cdaa06f66ae7d3e0cf20d6d2d1c4181efc87c8395dd01d45619b1a54'),
	('\x9b5f0c90d28a84a13385f5b24c7eed8f425e7212a652352b3beaf5a4f8576d5b', 0, '\xf0a6545539899f751e3944a50486619571a5de037b3650cabc087823525d794f'),
	('\x9b5f0c90d28a84a13385f5b24c7eed8f425e7212a652352b3beaf5a4f8576d5b', 1, '\xfb85d05f307176288798ebea2857df424cec543948854884523446b9010542eb'),
	('\x9b5f0c90d28a84a13385f5b24c7eed8f425e7212a652352b3beaf5a4f8576d5b', 2, '\xeb849206cdaa06f66ae7d3e0cf20d6d2d1c4181efc87c8395dd01d45619b1a54');

INSERT INTO public.devices VALUES
	('acme', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', 'dev-1-1001', 'template', '01a22544-3751-7e68-93e3-815aa4ae7c2e', 1795428060123456, 'Kästchen 盒', '1.2', 3, '\x8ec8e8fc08e4fc1da5531db143ea0a7bbca1da4ac62a4d2a49095cbe29c28154', '\x3ff8a023c03a67b906f80651086cd0e2b70ae9028e6a419fe1a001bdc0e1235b', '01a22544-3751-7e68-93e3-815aa4ae7c2e', 1795428062123456, '01a22544-3785-7e78-8264-53cfa76a4071', 'UNCERTAIN', 1795431601123456, 1795428182123456),
	('acme', 'SN-1-FAIL', 'Dev-1-1002', 'dev-1-1002', 'template', '01a22544-3789-7a51-955e-6246057b4445', 1795428120123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22544-3789-7a51-955e-6246057b4445', 'FAIL', 1795431604123456, 1795428122123456),
	('acme', 'SN-1-ERROR', 'Dev-1-1003', 'dev-1-1003', 'template', '01a22544-379c-75ed-9389-1be333341647', 1795428180123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22544-379c-75ed-9389-1be333341647', 'ERROR', 1795431606123456, 1795428182123456),
	('acme', 'SN-1-INSTALLED', 'Dev-1-1004', 'dev-1-1004', 'template', '01a22544-37a7-730e-813b-c44d44ed07d3', 1795428240123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22544-37a7-730e-813b-c44d44ed07d3', 'INSTALLED', 1795431608123456, 1795428242123456),
	('acme', 'SN-1-TIMEOUT', NULL, NULL, '', NULL, NULL, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, '01a22544-37ae-7826-b1eb-5554f3452dc6', 'TIMEOUT', 1795431609123456, 1795428360123456),
	('acme', 'SN-1-TWICE', 'Dev-1-1007', 'dev-1-1007', 'template', '01a22544-37b6-7a88-b9f4-1a0555bc228b', 1795428420123456, 'Kästchen 盒', '1.2', 2, '\x8ef89fa65c929dd7abaa88364372e1ac8f9c863b10b965eb6d40dde18df514da', '\x8a5e211a1165f632d1cb0806543c899f5606727f68750409f28a4b4c9e8936f8', '01a22544-37c3-7eb6-895c-80eaa78797c7', 1795428482123456, '01a22544-37c3-7eb6-895c-80eaa78797c7', 'PASS', 1795431610123456, 1795428482123456),
	('acme', 'SN-1-OPEN', 'Dev-1-1008', 'dev-1-1008', 'template', '01a22544-37cb-72ef-a5d4-710ea6bf99b0', 1795428480123456, 'Kästchen 盒', '1.2', 1, NULL, NULL, NULL, NULL, NULL, '', 1795431612123456, 1795428480123456),
	('acme', 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'template', '01a22544-37d1-7c3f-bb67-240b042b5347', 1795428600123456, 'box', '1.2', 1, '\xac8ca2845ad0fb12d432e0893a5ecba9bbfac5a96337225febc8b92886754fa1', '\x9b5f0c90d28a84a13385f5b24c7eed8f425e7212a652352b3beaf5a4f8576d5b', '01a22544-37d1-7c3f-bb67-240b042b5347', 1795428602123456, '01a22544-37d1-7c3f-bb67-240b042b5347', 'PASS', 1795431615123456, 1795428602123456),
	('acme', 'SN-1-RELEASED', NULL, NULL, '', NULL, NULL, 'box', '1.2', 2, NULL, NULL, NULL, NULL, '01a22544-37f3-7ec4-9ea1-268d691d1eb8', 'ABORTED', 1795431617123456, 1795428721123456);

INSERT INTO public.goose_db_version VALUES
	(1, 0, true, '2026-11-29 04:03:34.747969'),
	(2, 1, true, '2026-11-29 04:03:34.754939'),
	(3, 2, true, '2026-11-29 04:03:34.820772'),
	(4, 3, true, '2026-11-29 04:03:34.848398');

INSERT INTO public.keys VALUES
	('\x8ec8e8fc08e4fc1da5531db143ea0a7bbca1da4ac62a4d2a49095cbe29c28154', 'acme', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', '\x0102030405060708', 1, 'P-256', 'flash', '\x4932ed8bcc0005060f993c468712823160d8036f3161cb932ba2b506e0e88817', '\x27186f571b3fc212b6b5555dbe2f728ad127be7230b8137141516829df99a34d', '01a22544-3751-7e68-93e3-815aa4ae7c2e', 1795428060123456),
	('\xdb5e41d18bdbaf55c207f8b96c51838dadd97c000205710d61b7ed75174cf8c6', 'acme', 'SN-1-FAIL', 'Dev-1-1002', '\x0102030405060708', 1, 'P-256', 'flash', '\xb06cb62be53244a9b836bb78e25508e4329b3f45acfd7c4d8ea35b0e9d96bea7', '\x6cacde974d9823a45639e55f83eef871e331b25a239ac023349c2fd482e68f4c', '01a22544-3789-7a51-955e-6246057b4445', 1795428120123456),
	('\x7f6389cb6d45709f1f0365767b69fc668f73b4d61ee1a1c9f10e34026d85260d', 'acme', 'SN-1-ERROR', 'Dev-1-1003', '\x0102030405060708', 1, 'P-256', 'flash', '\xda0c4398fd3bd52e0c0716de575c164925e70f915a973bf17df0a810b1e1f9d0', '\x7f38900c79da217c7ca73732e61b1486b9bd5de4ec4e202b22f14c146029572c', '01a22544-379c-75ed-9389-1be333341647', 1795428180123456),
	('\x3531bc3eba731517f05c9d08d21c1c9fa1cb0e368211fd38fa47f12fc7e96b88', 'acme', 'SN-1-INSTALLED', 'Dev-1-1004', '\x0102030405060708', 1, 'P-256', 'flash', '\x6410642dbf3a9e5992a4f8ed60f4a0c6f00df582719aa84b0824ae953a67f3c1', NULL, '01a22544-37a7-730e-813b-c44d44ed07d3', 1795428240123456),
	('\x73119b6ff8c2a768c533737c6cffb170c8fd2a8c412b10700f9739dc2ae7423c', 'acme', 'SN-1-TWICE', 'Dev-1-1007', '\x0102030405060708', 1, 'P-256', 'flash', '\x0cb99a82dc4820da22dc77294611c7f36d0227982d636bbb7b84e44b53280b3c', '\x40e24f2203217077321c5ae4757806fe2b0063d6b7e9240b6ccc9ccc08239d56', '01a22544-37b6-7a88-b9f4-1a0555bc228b', 1795428420123456),
	('\x8ef89fa65c929dd7abaa88364372e1ac8f9c863b10b965eb6d40dde18df514da', 'acme', 'SN-1-TWICE', 'Dev-1-1007', '\x0807060504030201', 2, 'P-256', 'flash', '\x0cb99a82dc4820da22dc77294611c7f36d0227982d636bbb7b84e44b53280b3c', '\x40e24f2203217077321c5ae4757806fe2b0063d6b7e9240b6ccc9ccc08239d56', '01a22544-37c3-7eb6-895c-80eaa78797c7', 1795428480123456),
	('\x11c0d4e8d856fb2d9d1bd9e205c37275d4f31ffff4c95c04f9855aab52cb9ae4', 'acme', 'SN-1-OPEN', 'Dev-1-1008', '\x0102030405060708', 1, 'P-256', 'flash', '\x5e482a3643a8a14c823f25348092911bcf6bee200c645090dd89c97dba2652d6', '\x5f9591e349b4f883120b779b18ae57aac74c77fb18f32533c820fc6f863ed7e6', '01a22544-37cb-72ef-a5d4-710ea6bf99b0', 1795428480123456),
	('\xac8ca2845ad0fb12d432e0893a5ecba9bbfac5a96337225febc8b92886754fa1', 'acme', 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', '\x0102030405060708', 1, 'P-256', 'flash', '\xddbeb79a0adb7cf15c78d82cb68ec7a7561398871eaf8db83b1a157928e878e4', '\x943286acd09e0d94defe77f9e1fcdbfdd68a9833ceb51796ea99e78b9e31e092', '01a22544-37d1-7c3f-bb67-240b042b5347', 1795428600123456);

INSERT INTO public.label_prints VALUES
	('01a22544-37f9-7a1e-9afb-a4960cee8709', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a22544-37d1-7c3f-bb67-240b042b5347', 'box.zpl', 'tcp://printer:9100', 1, '', 'Zoë Ångström', 1795428600123456, 1, '', 1795431619123456),
	('01a22544-37fb-7df7-8cd6-eabf0539f93e', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a22544-37d1-7c3f-bb67-240b042b5347', 'box.zpl', 'tcp://printer:9100', 2, 'verschmiert – noch eine', 'Zoë Ångström', 1795428660123456, 0, 'printer: no paper – кончилась', 1795431620123456),
	('01a22544-37fd-7743-bb91-b6c5e6d6c4ee', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', NULL, 'box.zpl', 'tcp://printer:9100', 2, 'Ecke fehlt', 'Zoë Ångström', 1795428720123456, 1, '', 1795431621123456),
	('01a22544-37fe-7b08-977e-790d92a08bbe', 'acme', 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'SN-1-LOT-1', '01a22544-37d1-7c3f-bb67-240b042b5347', 'box.zpl', 'tcp://printer:9100', 3, 'und noch eine', 'Zoë Ångström', 1795428780123456, NULL, '', NULL);

INSERT INTO public.observations VALUES
	('01a22544-3751-7e68-93e3-815aa4ae7c2e', 1, 'SN-1-PASS-ÄÖÜ', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431601123456),
	('01a22544-377e-7abd-882d-0c11017fcf0e', 1, 'SN-1-PASS-ÄÖÜ', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431602123456),
	('01a22544-3785-7e78-8264-53cfa76a4071', 1, 'SN-1-PASS-ÄÖÜ', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431603123456),
	('01a22544-3789-7a51-955e-6246057b4445', 1, 'SN-1-FAIL', 'Kästchen 盒', '1.2', 'b00t', 'empty', NULL, 1795431604123456),
	('01a22544-3789-7a51-955e-6246057b4445', 2, 'SN-1-FAIL', 'Kästchen 盒', '1.2', 'b00t-2', 'empty', NULL, 1795431605123456),
	('01a22544-379c-75ed-9389-1be333341647', 1, 'SN-1-ERROR', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431606123456),
	('01a22544-37a7-730e-813b-c44d44ed07d3', 1, 'SN-1-INSTALLED', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431608123456),
	('01a22544-37ae-7826-b1eb-5554f3452dc6', 1, 'SN-1-TIMEOUT', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431609123456),
	('01a22544-37b6-7a88-b9f4-1a0555bc228b', 1, 'SN-1-TWICE', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431610123456),
	('01a22544-37c3-7eb6-895c-80eaa78797c7', 1, 'SN-1-TWICE', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431611123456),
	('01a22544-37cb-72ef-a5d4-710ea6bf99b0', 1, 'SN-1-OPEN', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431612123456),
	('01a22544-37d1-7c3f-bb67-240b042b5347', 1, 'SN-1-LOT-1', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431615123456),
	('01a22544-37e4-7d0e-9cac-4e8ef7853f87', 1, 'SN-1-RELEASED', 'Kästchen 盒', '1.2', 'b00t', 'empty', -1500000, 1795431617123456),
	('01a22544-37f3-7ec4-9ea1-268d691d1eb8', 1, 'SN-1-RELEASED', 'box', '1.2', 'b00t', 'empty', -1500000, 1795431618123456);

INSERT INTO public.overrides VALUES
	('01a22544-37f3-7ec4-9ea1-268d691d1eb8', '01a22544-37e4-7d0e-9cac-4e8ef7853f87', 'E-ID-OTHER-KEY', 'Platine repariert, geprüft', 'Ada', 'Gräfin', 1795428720123456);

INSERT INTO public.phases VALUES
	('01a22544-3751-7e68-93e3-815aa4ae7c2e', 1, 'identify', 'done', 1795428060123456, 1795428061123456, 1, '', '{"model":"box"}'),
	('01a22544-3751-7e68-93e3-815aa4ae7c2e', 2, 'assign', 'skipped', 1795428060123456, 1795428061123456, 1, '', '{"label":"Gerät \"7\"; it''s ÜBER","зачем":"проба"}'),
	('01a22544-3789-7a51-955e-6246057b4445', 1, 'mqtt', 'failed', 1795428120123456, 1795428121123456, 3, 'E-BRIDGE-DOWN', '{"model":"box"}'),
	('01a22544-37b6-7a88-b9f4-1a0555bc228b', 1, 'identify', 'done', 1795428420123456, 1795428421123456, 1, '', '{"model":"box"}');

INSERT INTO public.posts VALUES
	('01a22544-3751-7e71-aa34-efb273ce8857', '01a22544-3751-7e68-93e3-815aa4ae7c2e', 'acme', 'Dev-1-1001', '\x8ec8e8fc08e4fc1da5531db143ea0a7bbca1da4ac62a4d2a49095cbe29c28154', '\x4932ed8bcc0005060f993c468712823160d8036f3161cb932ba2b506e0e88817', 'deployed', 1795428060123456, 'issued', '', 1795428060123456),
	('01a22544-3789-7a56-ae1b-a5f2d3504a01', '01a22544-3789-7a51-955e-6246057b4445', 'acme', 'Dev-1-1002', '\xdb5e41d18bdbaf55c207f8b96c51838dadd97c000205710d61b7ed75174cf8c6', '\xb06cb62be53244a9b836bb78e25508e4329b3f45acfd7c4d8ea35b0e9d96bea7', 'deployed', 1795428120123456, 'issued', '', 1795428120123456),
	('01a22544-379c-75f3-811b-4f2e9e1dc960', '01a22544-379c-75ed-9389-1be333341647', 'acme', 'Dev-1-1003', '\x7f6389cb6d45709f1f0365767b69fc668f73b4d61ee1a1c9f10e34026d85260d', '\xda0c4398fd3bd52e0c0716de575c164925e70f915a973bf17df0a810b1e1f9d0', 'deployed', 1795428180123456, 'unknown', '', 1795428182123456),
	('01a22544-37a3-7918-ac59-793c5d743c7e', '01a22544-379c-75ed-9389-1be333341647', 'acme', 'Dev-1-1003', '\x7f6389cb6d45709f1f0365767b69fc668f73b4d61ee1a1c9f10e34026d85260d', NULL, 'deployed', 1795428180123456, 'not-issued', 'bridge returned 422: "ungültig"', 1795431607123456),
	('01a22544-37a7-7314-9d3a-7a2dbe74339b', '01a22544-37a7-730e-813b-c44d44ed07d3', 'acme', 'Dev-1-1004', '\x3531bc3eba731517f05c9d08d21c1c9fa1cb0e368211fd38fa47f12fc7e96b88', '\x6410642dbf3a9e5992a4f8ed60f4a0c6f00df582719aa84b0824ae953a67f3c1', 'deployed', 1795428240123456, 'issued', '', 1795428240123456),
	('01a22544-37b6-7a8c-9726-31a5952fb88d', '01a22544-37b6-7a88-b9f4-1a0555bc228b', 'acme', 'Dev-1-1007', '\x73119b6ff8c2a768c533737c6cffb170c8fd2a8c412b10700f9739dc2ae7423c', '\x0cb99a82dc4820da22dc77294611c7f36d0227982d636bbb7b84e44b53280b3c', 'deployed', 1795428420123456, 'issued', '', 1795428420123456),
	('01a22544-37c3-7eba-a6bb-96b6270d4f21', '01a22544-37c3-7eb6-895c-80eaa78797c7', 'acme', 'Dev-1-1007', '\x8ef89fa65c929dd7abaa88364372e1ac8f9c863b10b965eb6d40dde18df514da', '\x0cb99a82dc4820da22dc77294611c7f36d0227982d636bbb7b84e44b53280b3c', 'deployed', 1795428480123456, 'issued', '', 1795428480123456),
	('01a22544-37cb-72f6-abcb-4fb89b3ad9f1', '01a22544-37cb-72ef-a5d4-710ea6bf99b0', 'acme', 'Dev-1-1008', '\x11c0d4e8d856fb2d9d1bd9e205c37275d4f31ffff4c95c04f9855aab52cb9ae4', '\x5e482a3643a8a14c823f25348092911bcf6bee200c645090dd89c97dba2652d6', 'deployed', 1795428480123456, 'open', '', NULL),
	('01a22544-37d1-7c46-953c-fdb2a8f88fb8', '01a22544-37d1-7c3f-bb67-240b042b5347', 'acme', 'Dev-SN-1-LOT-1', '\xac8ca2845ad0fb12d432e0893a5ecba9bbfac5a96337225febc8b92886754fa1', '\xddbeb79a0adb7cf15c78d82cb68ec7a7561398871eaf8db83b1a157928e878e4', 'deployed', 1795428600123456, 'issued', '', 1795428600123456);

INSERT INTO public.proofs VALUES
	('01a22544-3751-7e68-93e3-815aa4ae7c2e', 1, 'acme', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', '\x8ec8e8fc08e4fc1da5531db143ea0a7bbca1da4ac62a4d2a49095cbe29c28154', '\x3ff8a023c03a67b906f80651086cd0e2b70ae9028e6a419fe1a001bdc0e1235b', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428060123456),
	('01a22544-37b6-7a88-b9f4-1a0555bc228b', 1, 'acme', 'SN-1-TWICE', 'Dev-1-1007', '\x73119b6ff8c2a768c533737c6cffb170c8fd2a8c412b10700f9739dc2ae7423c', '\x442509600cada82e2508838e4056b2238ef3a9d5d031967c34a6495d79caf9cd', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428420123456),
	('01a22544-37c3-7eb6-895c-80eaa78797c7', 1, 'acme', 'SN-1-TWICE', 'Dev-1-1007', '\x8ef89fa65c929dd7abaa88364372e1ac8f9c863b10b965eb6d40dde18df514da', '\x8a5e211a1165f632d1cb0806543c899f5606727f68750409f28a4b4c9e8936f8', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428480123456),
	('01a22544-37d1-7c3f-bb67-240b042b5347', 1, 'acme', 'SN-1-LOT-1', 'Dev-SN-1-LOT-1', '\xac8ca2845ad0fb12d432e0893a5ecba9bbfac5a96337225febc8b92886754fa1', '\x9b5f0c90d28a84a13385f5b24c7eed8f425e7212a652352b3beaf5a4f8576d5b', 'broker-acked', 'broker:8883', 'TLS 1.3', '5', '{"leaf":"00ff"}', 1795428600123456);

INSERT INTO public.runs VALUES
	('01a22544-3751-7e68-93e3-815aa4ae7c2e', 'acme', 'hall 2', 'bench-1', 'st-1', 'Łukasz Żółć', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428060123456, 3600, 'ask-Dev-1-1001', 'P-256', 1, 'SN-1-PASS-ÄÖÜ', 1, 'Dev-1-1001', 'dev-1-1001', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', '\x8ec8e8fc08e4fc1da5531db143ea0a7bbca1da4ac62a4d2a49095cbe29c28154', '\x3ff8a023c03a67b906f80651086cd0e2b70ae9028e6a419fe1a001bdc0e1235b', 1795514460123456, 'deployed', 3000, 4000, 1500000, 1795428062123456, 'łukasz żółć
los ñ-1
gestell ø/1
sn-1-pass-äöü
dev-1-1001
'),
	('01a22544-377e-7abd-882d-0c11017fcf0e', 'acme', 'hall 2', 'bench-1', 'st-1', 'Élodie', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428120123456, 3600, 'ask-Dev-1-1001', 'P-256', 1, 'SN-1-PASS-ÄÖÜ', 2, 'Dev-1-1001', 'dev-1-1001', 'SKIPPED', '', 'enroll', 'E-BRIDGE-DOWN', '{"url":"https://b"}', '[]', '\x8ec8e8fc08e4fc1da5531db143ea0a7bbca1da4ac62a4d2a49095cbe29c28154', '\x3ff8a023c03a67b906f80651086cd0e2b70ae9028e6a419fe1a001bdc0e1235b', 1795514520123456, 'deployed', 3000, 4000, 1500000, 1795428122123456, 'élodie
los ñ-1
gestell ø/1
sn-1-pass-äöü
dev-1-1001
e-bridge-down'),
	('01a22544-3785-7e78-8264-53cfa76a4071', 'acme', 'hall 2', 'bench-1', 'st-1', 'Éric Ñandú', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428180123456, 3600, 'ask-Dev-1-1001', 'P-256', 1, 'SN-1-PASS-ÄÖÜ', 3, 'Dev-1-1001', 'dev-1-1001', 'UNCERTAIN', '', 'enroll', 'E-ID-OTHER-KEY', '{"have":"f9a4b2dd76c77504e348bf1f59a02b0ed551439b34aa28bc2b28be8d02bd2045"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', NULL, NULL, 1795514580123456, 'deployed', 3000, 4000, 1500000, 1795428182123456, 'éric ñandú
los ñ-1
gestell ø/1
sn-1-pass-äöü
dev-1-1001
e-id-other-key'),
	('01a22544-3789-7a51-955e-6246057b4445', 'acme', 'hall 2', 'bench-1', 'st-1', '', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428120123456, 3600, 'ask-Dev-1-1002', 'P-256', 1, 'SN-1-FAIL', 1, 'Dev-1-1002', 'dev-1-1002', 'FAIL', '', 'enroll', 'E-BRIDGE-DOWN', '{"url":"https://b"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', '\xdb5e41d18bdbaf55c207f8b96c51838dadd97c000205710d61b7ed75174cf8c6', '\xa566b3ba5a90dc1fbd6ac905dc46a6d4deaebb695d747f2437411fb97c31c463', 1795514520123456, 'deployed', 3000, 4000, 1500000, 1795428122123456, '
los ñ-1
gestell ø/1
sn-1-fail
dev-1-1002
e-bridge-down'),
	('01a22544-379c-75ed-9389-1be333341647', 'acme', 'hall 2', 'bench-1', 'st-1', 'Özil', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428180123456, 3600, 'ask-Dev-1-1003', 'P-256', 1, 'SN-1-ERROR', 1, 'Dev-1-1003', 'dev-1-1003', 'ERROR', '', 'enroll', 'E-BRIDGE-DOWN', '{"url":"https://b"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', '\x7f6389cb6d45709f1f0365767b69fc668f73b4d61ee1a1c9f10e34026d85260d', NULL, NULL, 'deployed', 3000, 4000, 1500000, 1795428182123456, 'özil
los ñ-1
gestell ø/1
sn-1-error
dev-1-1003
e-bridge-down'),
	('01a22544-37a7-730e-813b-c44d44ed07d3', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428240123456, 3600, 'ask-Dev-1-1004', 'P-256', 1, 'SN-1-INSTALLED', 1, 'Dev-1-1004', 'dev-1-1004', 'INSTALLED', '', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', '\x3531bc3eba731517f05c9d08d21c1c9fa1cb0e368211fd38fa47f12fc7e96b88', '\x00544cd82ba115e43cef45e6319fa9d79b0fa47f479626b545dc1fa0d606c70f', 1795514640123456, 'deployed', 3000, 4000, 1500000, 1795428242123456, 'ada
los ñ-1
gestell ø/1
sn-1-installed
dev-1-1004
'),
	('01a22544-37ae-7826-b1eb-5554f3452dc6', 'acme', 'hall 2', 'bench-1', 'st-1', 'ΣΊΣΥΦΟΣ', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428300123456, 3600, 'ask-Dev-1-1005', 'P-256', 1, 'SN-1-TIMEOUT', 1, NULL, NULL, 'TIMEOUT', '', 'keygen', 'E-BRIDGE-DOWN', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428360123456, 'σίσυφοσ
los ñ-1
gestell ø/1
sn-1-timeout

e-bridge-down'),
	('01a22544-37b4-7898-b0e8-3d0e1e1ef788', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428360123456, 3600, 'ask-Dev-1-1006', 'P-256', 1, NULL, NULL, NULL, NULL, 'ABORTED', '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428361123456, 'ada
b7
1-1.2


'),
	('01a22544-37b6-7a88-b9f4-1a0555bc228b', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428420123456, 3600, 'ask-Dev-1-1007', 'P-256', 1, 'SN-1-TWICE', 1, 'Dev-1-1007', 'dev-1-1007', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', '\x73119b6ff8c2a768c533737c6cffb170c8fd2a8c412b10700f9739dc2ae7423c', '\x442509600cada82e2508838e4056b2238ef3a9d5d031967c34a6495d79caf9cd', 1795514820123456, 'deployed', 3000, 4000, 1500000, 1795428422123456, 'ada
b7
1-1.2
sn-1-twice
dev-1-1007
'),
	('01a22544-37c3-7eb6-895c-80eaa78797c7', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428480123456, 3600, 'ask-Dev-1-1007', 'P-256', 1, 'SN-1-TWICE', 2, 'Dev-1-1007', 'dev-1-1007', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', '\x8ef89fa65c929dd7abaa88364372e1ac8f9c863b10b965eb6d40dde18df514da', '\x8a5e211a1165f632d1cb0806543c899f5606727f68750409f28a4b4c9e8936f8', 1795514880123456, 'deployed', 3000, 4000, 1500000, 1795428482123456, 'ada
los ñ-1
gestell ø/1
sn-1-twice
dev-1-1007
'),
	('01a22544-37cb-72ef-a5d4-710ea6bf99b0', 'acme', 'hall 2', 'bench-1', 'st-1', 'Grace', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428480123456, 3600, 'ask-Dev-1-1008', 'P-256', 1, 'SN-1-OPEN', 1, 'Dev-1-1008', 'dev-1-1008', NULL, '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, NULL, 'grace
los ñ-1
gestell ø/1
sn-1-open
dev-1-1008
'),
	('01a22544-37d0-7053-94d9-83c17077c8ec', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428540123456, 3600, 'ask-Dev-1-1009', 'P-256', 1, NULL, NULL, NULL, NULL, NULL, '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, NULL, 'ada
b7
1-1.2


'),
	('01a22544-37d1-7c3f-bb67-240b042b5347', 'acme', 'hall 2', 'bench-1', 'st-1', 'Zoë Ångström', 'Los Ä-1', 'agent', 'Gestell Ø/3', '/dev/ttyUSB0', '1.0', 'abcd', 1795428600123456, 3600, 'ask-Dev-SN-1-LOT-1', 'P-256', 1, 'SN-1-LOT-1', 1, 'Dev-SN-1-LOT-1', 'dev-sn-1-lot-1', 'PASS', 'broker-acked', '', '', '{}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', '\xac8ca2845ad0fb12d432e0893a5ecba9bbfac5a96337225febc8b92886754fa1', '\x9b5f0c90d28a84a13385f5b24c7eed8f425e7212a652352b3beaf5a4f8576d5b', 1795515000123456, 'deployed', 3000, 4000, 1500000, 1795428602123456, 'zoë ångström
los ä-1
gestell ø/3
sn-1-lot-1
dev-sn-1-lot-1
'),
	('01a22544-37e4-7d0e-9cac-4e8ef7853f87', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'Los Ñ-1', 'agent', 'Gestell Ø/1', '/dev/ttyUSB0', '1.0', 'abcd', 1795428660123456, 3600, 'ask-Dev-1-1011', 'P-256', 1, 'SN-1-RELEASED', 1, 'Dev-1-1011', 'dev-1-1011', 'UNCERTAIN', '', 'enroll', 'E-ID-OTHER-KEY', '{"have":"7e5873dab8e8759146efdfe2cb7f6e6336796f9694511a2e9c9af19955a74104"}', '[{"code":"W-CERT-SHELF-LIFE","params":{"left":"24h"},"text":"short"}]', NULL, NULL, 1795515060123456, 'deployed', 3000, 4000, 1500000, 1795428662123456, 'ada
los ñ-1
gestell ø/1
sn-1-released
dev-1-1011
e-id-other-key'),
	('01a22544-37f3-7ec4-9ea1-268d691d1eb8', 'acme', 'hall 2', 'bench-1', 'st-1', 'Ada', 'b7', 'agent', '1-1.2', '/dev/ttyUSB0', '1.0', 'abcd', 1795428720123456, 3600, 'ask-Dev-1-1011', 'P-256', 1, 'SN-1-RELEASED', 2, NULL, NULL, 'ABORTED', '', '', '', '{}', '[]', NULL, NULL, NULL, '', 0, 0, 0, 1795428721123456, 'ada
b7
1-1.2
sn-1-released

');

INSERT INTO public.tunnel_addresses VALUES
	('acme', '10.1.0.2', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', '01a22544-3751-7e68-93e3-815aa4ae7c2e', 1795428060123456),
	('acme', 'fd00::12', 'SN-1-PASS-ÄÖÜ', 'Dev-1-1001', '01a22544-3751-7e68-93e3-815aa4ae7c2e', 1795428060123456),
	('acme', '10.1.0.3', 'SN-1-FAIL', 'Dev-1-1002', '01a22544-3789-7a51-955e-6246057b4445', 1795428120123456);

INSERT INTO public.wireguard_keys VALUES
	('\x27186f571b3fc212b6b5555dbe2f728ad127be7230b8137141516829df99a34d', 'acme', 'SN-1-PASS-ÄÖÜ'),
	('\x6cacde974d9823a45639e55f83eef871e331b25a239ac023349c2fd482e68f4c', 'acme', 'SN-1-FAIL'),
	('\x7f38900c79da217c7ca73732e61b1486b9bd5de4ec4e202b22f14c146029572c', 'acme', 'SN-1-ERROR'),
	('\x40e24f2203217077321c5ae4757806fe2b0063d6b7e9240b6ccc9ccc08239d56', 'acme', 'SN-1-TWICE'),
	('\x5f9591e349b4f883120b779b18ae57aac74c77fb18f32533c820fc6f863ed7e6', 'acme', 'SN-1-OPEN'),
	('\x943286acd09e0d94defe77f9e1fcdbfdd68a9833ceb51796ea99e78b9e31e092', 'acme', 'SN-1-LOT-1');

INSERT INTO public.write_check VALUES
	(1, 1795431613123456);

SELECT pg_catalog.setval('public.goose_db_version_id_seq', 4, true);

ALTER TABLE ONLY public.batch_devices
    ADD CONSTRAINT batch_devices_pkey PRIMARY KEY (tenant, batch, line);

ALTER TABLE ONLY public.batch_states
    ADD CONSTRAINT batch_states_pkey PRIMARY KEY (tenant, batch, n);

ALTER TABLE ONLY public.batches
    ADD CONSTRAINT batches_pkey PRIMARY KEY (tenant, batch);

ALTER TABLE ONLY public.ca_certificates
    ADD CONSTRAINT ca_certificates_pkey PRIMARY KEY (fingerprint);

ALTER TABLE ONLY public.certificate_addresses
    ADD CONSTRAINT certificate_addresses_pkey PRIMARY KEY (leaf, "position");

ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT certificates_pkey PRIMARY KEY (fingerprint);

ALTER TABLE ONLY public.chains
    ADD CONSTRAINT chains_pkey PRIMARY KEY (leaf, "position");

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (tenant, hardware_serial);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_tenant_device_id_fold_key UNIQUE (tenant, device_id_fold);

ALTER TABLE ONLY public.goose_db_version
    ADD CONSTRAINT goose_db_version_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_pkey PRIMARY KEY (spki);

ALTER TABLE ONLY public.label_prints
    ADD CONSTRAINT label_prints_pkey PRIMARY KEY (print);

ALTER TABLE ONLY public.observations
    ADD CONSTRAINT observations_pkey PRIMARY KEY (run, n);

ALTER TABLE ONLY public.overrides
    ADD CONSTRAINT overrides_pkey PRIMARY KEY (run);

ALTER TABLE ONLY public.phases
    ADD CONSTRAINT phases_pkey PRIMARY KEY (run, n);

ALTER TABLE ONLY public.phases
    ADD CONSTRAINT phases_run_phase_started_at_key UNIQUE (run, phase, started_at);

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_pkey PRIMARY KEY (post);

ALTER TABLE ONLY public.proofs
    ADD CONSTRAINT proofs_pkey PRIMARY KEY (run, n);

ALTER TABLE ONLY public.pruned
    ADD CONSTRAINT pruned_pkey PRIMARY KEY (prune);

ALTER TABLE ONLY public.resolutions
    ADD CONSTRAINT resolutions_pkey PRIMARY KEY (run);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (run);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_tenant_hardware_serial_attempt_key UNIQUE (tenant, hardware_serial, attempt);

ALTER TABLE ONLY public.tunnel_addresses
    ADD CONSTRAINT tunnel_addresses_pkey PRIMARY KEY (tenant, address);

ALTER TABLE ONLY public.wireguard_keys
    ADD CONSTRAINT wireguard_keys_pkey PRIMARY KEY (wireguard_key);

ALTER TABLE ONLY public.write_check
    ADD CONSTRAINT write_check_pkey PRIMARY KEY (id);

CREATE UNIQUE INDEX batch_devices_hardware ON public.batch_devices USING btree (tenant, batch, hardware_serial) WHERE (hardware_serial <> ''::text);

CREATE UNIQUE INDEX batch_devices_id ON public.batch_devices USING btree (tenant, batch, device_id_fold) WHERE (device_id_fold <> ''::text);

CREATE UNIQUE INDEX batch_devices_label ON public.batch_devices USING btree (tenant, batch, label_fold) WHERE (label_fold <> ''::text);

CREATE INDEX batches_by_time ON public.batches USING btree (tenant, opened_at, batch);

CREATE UNIQUE INDEX batches_current ON public.batches USING btree (tenant, station) WHERE (state <> 'closed'::text);

CREATE INDEX certificates_by_aki ON public.certificates USING hash (aki);

CREATE INDEX certificates_by_device_id ON public.certificates USING btree (tenant, device_id_fold, received_at);

CREATE INDEX certificates_by_issuer ON public.certificates USING hash (issuer_fingerprint);

CREATE INDEX certificates_by_key ON public.certificates USING btree (tenant, spki, received_at);

CREATE INDEX certificates_by_post ON public.certificates USING btree (post);

CREATE INDEX certificates_by_run ON public.certificates USING btree (run);

CREATE INDEX certificates_by_serial ON public.certificates USING btree (cert_serial);

CREATE INDEX certificates_live ON public.certificates USING btree (tenant, not_after) WHERE (revoked_at IS NULL);

CREATE INDEX devices_by_leaf ON public.devices USING btree (leaf);

CREATE INDEX keys_by_device ON public.keys USING btree (tenant, hardware_serial);

CREATE INDEX label_prints_by_device ON public.label_prints USING btree (tenant, device_id_fold, at, print);

CREATE INDEX label_prints_by_run ON public.label_prints USING btree (run);

CREATE INDEX posts_by_run ON public.posts USING btree (run);

CREATE INDEX posts_possibly_issued ON public.posts USING btree (begun_at, post) WHERE (state = ANY (ARRAY['open'::text, 'unknown'::text]));

CREATE INDEX proofs_by_leaf ON public.proofs USING btree (leaf, proven_at);

CREATE INDEX resolutions_by_hardware ON public.resolutions USING btree (tenant, hardware_serial, decided_at);

CREATE INDEX runs_by_batch ON public.runs USING btree (tenant, batch, started_at, run);

CREATE INDEX runs_by_code ON public.runs USING btree (code, started_at, run);

CREATE INDEX runs_by_device_id ON public.runs USING btree (tenant, device_id_fold, started_at, run);

CREATE INDEX runs_by_hardware ON public.runs USING btree (tenant, hardware_serial, started_at, run);

CREATE INDEX runs_by_outcome ON public.runs USING btree (outcome, started_at, run);

CREATE INDEX runs_by_slot ON public.runs USING btree (tenant, slot, started_at, run);

CREATE INDEX runs_by_tenant ON public.runs USING btree (tenant, started_at, run);

CREATE INDEX runs_by_time ON public.runs USING btree (started_at, run);

CREATE INDEX runs_by_time_outcome ON public.runs USING btree (started_at, outcome);

CREATE INDEX runs_done ON public.runs USING btree (tenant, batch, hardware_serial, device_id_fold) WHERE ((outcome = ANY (ARRAY['PASS'::text, 'SKIPPED'::text])) AND (batch <> ''::text));

CREATE INDEX runs_open ON public.runs USING btree (started_at, run) WHERE (outcome IS NULL);

CREATE INDEX runs_passed ON public.runs USING btree (leaf) WHERE (outcome = 'PASS'::text);

ALTER TABLE ONLY public.batch_devices
    ADD CONSTRAINT batch_devices_tenant_batch_fkey FOREIGN KEY (tenant, batch) REFERENCES public.batches(tenant, batch);

ALTER TABLE ONLY public.batch_states
    ADD CONSTRAINT batch_states_tenant_batch_fkey FOREIGN KEY (tenant, batch) REFERENCES public.batches(tenant, batch);

ALTER TABLE ONLY public.certificate_addresses
    ADD CONSTRAINT certificate_addresses_leaf_fkey FOREIGN KEY (leaf) REFERENCES public.certificates(fingerprint);

ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT certificates_post_fkey FOREIGN KEY (post) REFERENCES public.posts(post);

ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT certificates_run_fkey FOREIGN KEY (run) REFERENCES public.runs(run);

ALTER TABLE ONLY public.chains
    ADD CONSTRAINT chains_ca_fkey FOREIGN KEY (ca) REFERENCES public.ca_certificates(fingerprint);

ALTER TABLE ONLY public.chains
    ADD CONSTRAINT chains_leaf_fkey FOREIGN KEY (leaf) REFERENCES public.certificates(fingerprint);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_bound_run_fkey FOREIGN KEY (bound_run) REFERENCES public.runs(run);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_last_run_fkey FOREIGN KEY (last_run) REFERENCES public.runs(run);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_pass_run_fkey FOREIGN KEY (pass_run) REFERENCES public.runs(run);

ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_run_fkey FOREIGN KEY (run) REFERENCES public.runs(run);

ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_tenant_hardware_serial_fkey FOREIGN KEY (tenant, hardware_serial) REFERENCES public.devices(tenant, hardware_serial);

ALTER TABLE ONLY public.label_prints
    ADD CONSTRAINT label_prints_run_fkey FOREIGN KEY (run) REFERENCES public.runs(run);

ALTER TABLE ONLY public.observations
    ADD CONSTRAINT observations_run_fkey FOREIGN KEY (run) REFERENCES public.runs(run);

ALTER TABLE ONLY public.overrides
    ADD CONSTRAINT overrides_run_fkey FOREIGN KEY (run) REFERENCES public.runs(run);

ALTER TABLE ONLY public.phases
    ADD CONSTRAINT phases_run_fkey FOREIGN KEY (run) REFERENCES public.runs(run);

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_run_fkey FOREIGN KEY (run) REFERENCES public.runs(run);

ALTER TABLE ONLY public.proofs
    ADD CONSTRAINT proofs_run_fkey FOREIGN KEY (run) REFERENCES public.runs(run);

ALTER TABLE ONLY public.resolutions
    ADD CONSTRAINT resolutions_run_fkey FOREIGN KEY (run) REFERENCES public.runs(run);

ALTER TABLE ONLY public.tunnel_addresses
    ADD CONSTRAINT tunnel_addresses_run_fkey FOREIGN KEY (run) REFERENCES public.runs(run);

ALTER TABLE ONLY public.wireguard_keys
    ADD CONSTRAINT wireguard_keys_tenant_hardware_serial_fkey FOREIGN KEY (tenant, hardware_serial) REFERENCES public.devices(tenant, hardware_serial);

