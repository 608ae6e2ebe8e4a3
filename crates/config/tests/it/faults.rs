//! Broken configurations, and exactly what is said of them.

use crate::support::{Dir, provider_faults};

/// A provider's text and the faults in it.
const TABLE: &[(&str, &[&str])] = &[
    // Unknown keys, at every depth.
    (
        "provider: x\nbase_url: https://x.example\nretrys: {}\n",
        &["3:1: unknown key `retrys`; did you mean `retry`?"],
    ),
    (
        "provider: x\nbase_url: https://x.example\nretry: {max_attemps: 3}\ntimeout:\n  conect: 1s\n",
        &[
            "3:9: unknown key `max_attemps`; did you mean `max_attempts`?",
            "5:3: unknown key `conect`; did you mean `connect`?",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\nrate_limit: {backoff: {zzz: 1}}\n",
        &["3:24: unknown key `zzz`; known here: `base`, `max`"],
    ),
    (
        "provider: x\nbase_url: https://x.example\n<<: {}\n",
        &["3:1: `<<`: merge keys are no part of YAML 1.2"],
    ),
    // Wrong words.
    (
        "provider: x\nbase_url: https://x.example\nbreaker: {by: hosst}\n",
        &[
            "3:15: `hosst` is not one of `provider`, `host`, `account`, `operation`; did you mean `host`?",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\nauth: {type: oauth3}\n",
        &[
            "3:14: `oauth3` is not one of `oauth2`, `client_credentials`, `token_request`, `api_key`, `basic`, `bearer`, `oauth1`, `aws_sigv4`, `none`; did you mean `oauth2`?",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\nauth: {token: x}\n",
        &[
            "3:7: missing key `type`: one of `oauth2`, `client_credentials`, `token_request`, `api_key`, `basic`, `bearer`, `oauth1`, `aws_sigv4`, `none`",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\nretry: {after: [connect, resett, 404, 503]}\n",
        &[
            "3:26: `resett` is not one of `connect`, `reset`, `timeout`, `5xx`; did you mean `reset`?",
            "3:34: 404 is out of range: it must be between 500 and 599",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\nrate_limit: {on_limit: wait}\n",
        &["3:24: `wait` is not allowed here: only `reject` is"],
    ),
    // Wrong types.
    (
        "provider: x\nbase_url: https://x.example\ntimeout: 3s\nhosts: x.example\nheaders: {X-Version: 2}\nrate_limit: {rules: {}}\n",
        &[
            "3:10: expected a mapping, found the text `3s`",
            "4:8: expected a list, found the text `x.example`",
            "5:22: expected a text or template, found the number 2: put it in quotes",
            "6:21: expected a list, found a mapping",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\nconcurrency: {max_in_flight: 1.5, adaptive: yes}\nheaders:\n",
        &[
            "3:30: expected a whole number, found the number 1.5",
            "3:45: expected true or false, found the text `yes`: write true or false",
            "4:8: expected a mapping, found nothing",
        ],
    ),
    ("- a\n", &["1:1: expected a mapping, found a list"]),
    ("", &["1:1: expected a mapping, found nothing"]),
    // Missing keys.
    ("provider: x\n", &["1:1: missing key `base_url`"]),
    (
        "provider: x\nbase_url: https://x.example\nauth:\n  type: oauth2\n  client_id: x\n",
        &["4:3: missing key `token_url`"],
    ),
    (
        "provider: x\nbase_url: https://x.example\nauth: {type: api_key}\n",
        &["3:7: missing key `apply`"],
    ),
    (
        "provider: x\nbase_url: https://x.example\nauth: {type: oauth2, token_url: https://x.example/t, client_id: x}\n",
        &["3:7: missing key `client_secret`: needed unless `client_auth` is `none`"],
    ),
    // Ranges and formats.
    (
        "provider: x\nbase_url: https://x.example\ntimeout: {connect: 3, total: 1 minute, response: 0s}\nmax_buffer: 8MB\nretry: {budget: 120%, hold: 8 MiB}\n",
        &[
            "3:20: expected a duration such as `90s`, found the number 3",
            "3:30: `1 minute` is no duration: write a number and `ms`, `s`, `m`, `h` or `d`, as `90s`",
            "3:50: `0s` is too little: at least `1ms`",
            "5:17: `120%` is out of range: between `0%` and `100%`",
            "5:29: `8 MiB` is no size: write a whole number and `B`, `KiB`, `MiB` or `GiB`, as `64KiB`",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\nconcurrency: {max_in_flight: 0, per_account: -1}\nretry: {max_attempts: 99999999999}\n",
        &[
            "3:30: 0 is out of range: it must be between 1 and 65536",
            "3:46: -1 is out of range: it must be between 1 and 65536",
            "4:23: 99999999999 is out of range: it must be between 1 and 10",
        ],
    ),
    (
        "provider: a/b\nbase_url: ftp://x.example\nhosts: ['*.ok.example', 'https://x', 'x.example:443', '*.*.x']\n",
        &[
            "1:11: `a/b` is no name: 1 to 64 of letters, digits and `._-`, no dot in front",
            "2:11: `ftp://x.example` must begin with `https://` or `http://`",
            "3:25: `https://x` must be a name alone, without scheme and path",
            "3:38: `x.example:443` must be a name without a port",
            "3:55: `*.*.x`: `*` stands alone, or as `*.` before a name",
        ],
    ),
    (
        "provider: x\nbase_url: https://u:p@x.example/\nheaders: {'X Y': a, Leeward-A: b, Transfer-Encoding: c}\nretry: {methods: [get]}\n",
        &[
            "2:11: a URL must not hold a user and password: they belong to `auth`",
            "3:11: `X Y` is no header name",
            "4:19: `get` is no method: methods are written in capitals, `GET`",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\nheaders: {Leeward-A: b, Transfer-Encoding: c}\n",
        &[
            "3:22: the header `Leeward-A` cannot be set",
            "3:44: the header `Transfer-Encoding` cannot be set",
        ],
    ),
    // Templates and expressions.
    (
        "provider: x\nbase_url: https://x.example\nheaders: {A: '{{token', B: '{{acount.vars.a}}'}\n",
        &[
            "3:15: not a template: S0203: `{{` without its `}}`; a literal pair of braces is `{{\"{{\"}}`",
            "3:31: nothing is called `acount` here; did you mean `account`?",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\nheaders: {B: 'x {{acount.vars.a}}'}\nquery: {c: '{{foo}}'}\n",
        &[
            "3:19: nothing is called `acount` here; did you mean `account`?",
            "4:15: nothing is called `foo` here; there are `account`, `credentials`, `client`, `token`, `refresh_token`, `steps`, `request`, `now`",
        ],
    ),
    (
        "provider: x\nbase_url: https://{{account.vars.host}}/v1\nbases: {up: '{{account.vars.up}}'}\n",
        &[
            "2:11: a variable chooses the host: say in `hosts` where it may lead, as [\"*.example.com\"]",
            "3:13: a variable chooses the host: say in `hosts` where it may lead, as [\"*.example.com\"]",
        ],
    ),
    // A faulty key is not answered by its echo.
    (
        "provider: x\nbase_url: https://{{account.vars.host}}/v1\nhosts: ['*.a.example:1']\n",
        &["3:9: `*.a.example:1` must be a name without a port"],
    ),
    // Rate-limit rules.
    (
        "provider: x\nbase_url: https://x.example\nrate_limit:\n  rules:\n    - {id: a, when: {status: 9xx9, body: {/a: {regx: b}}}}\n    - {when: {text: '('}, wait: [{header: A, format: epoch}]}\n",
        &[
            "5:30: `9xx9` does not match `^[1-9]([0-9][0-9]|[xX][xX])$`",
            "5:48: unknown key `regx`; did you mean `regex`?",
            "6:21: not a regular expression: unclosed group",
            "6:54: `epoch` is not one of `seconds`, `millis`, `minutes`, `epoch_s`, `epoch_ms`, `http`, `iso8601`, `duration`, `words`, `timespan`, `auto`; did you mean `epoch_s`?",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\nrate_limit: {rules: [{when: {status: 429}, wait: [{header: A, body: /b}]}]}\n",
        &["3:51: a wait has exactly one of header, body, text, sf, jsonata"],
    ),
    // Orders.
    (
        "provider: x\nbase_url: https://x.example\nbreaker: {open_for: 10m}\nretry: {backoff: {base: 5s}}\nconcurrency: {per_account: 65}\n",
        &[
            "3:10: `open_for` must not be more than `max_open_for`",
            "4:18: `base` must not be more than `max`",
            "5:28: `per_account` must not be more than `max_in_flight`",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\ntls: {ca: /etc/ca.pem, client_key: '-----BEGIN'}\n",
        &[
            "3:6: `client_key` needs its `client_certificate`",
            "3:11: not a PEM text; a file's content is `${file:/path}`",
        ],
    ),
    // Resources.
    (
        "provider: x\nbase_url: https://x.example\nbases: {upload: https://u.example}\nresources:\n  crm/contacts:\n    list: {path: /a, base: uplod, items: $, item: a, response: b}\n    get: {path: '/a/../{{id}}'}\n    create: {path: /a?b=c}\n    delete: {path: 'a/{{idd}}'}\n  contacts: {}\n",
        &[
            "6:28: `uplod` is none of `bases`; did you mean `upload`?",
            "6:51: `item` is not allowed beside `response`, which gives the records themselves",
            "7:21: a path must not have `.` or `..` for a segment",
            "8:22: a path must not have `?`: parameters belong into `query`",
            "9:20: the path `a/{{idd}}` must begin with `/`",
            "10:3: `contacts` is no resource: it must be `model/resource`, as `crm/contacts`",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\nbases: {upload: https://u.example}\nresources:\n  crm/contacts:\n    list: {path: /a, base: uplod, items: $, item: a, response: b}\n    create: {path: '/a/{{idd}}', then: get}\n",
        &[
            "6:28: `uplod` is none of `bases`; did you mean `upload`?",
            "6:51: `item` is not allowed beside `response`, which gives the records themselves",
            "7:26: nothing is called `idd` here; did you mean `id`?",
            "7:40: `then: get` needs a `get` beside it",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\npagination: {type: cursor, size: {value: 10, max: 5}}\n",
        &[
            "3:13: missing key `next`, which `type: cursor` needs",
            "3:34: `value` must not be more than `max`",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\npagination: [{type: offset, nex: a}, {type: curser}]\n",
        &[
            "3:29: unknown key `nex`; did you mean `next`?",
            "3:45: `curser` is not one of `cursor`, `offset`, `page`, `link_header`, `next_url`, `keyset`, `none`; did you mean `cursor`?",
        ],
    ),
    // YAML itself.
    (
        "provider: x\nprovider: y\nbase_url: https://x.example\n",
        &["2:1: `provider` stands here twice (first in line 1)"],
    ),
    (
        "provider: x\n---\nprovider: y\n",
        &["2:1: a second document: one file holds one"],
    ),
    (
        "provider: !me x\nbase_url: https://x.example\n",
        &["1:15: tags of one's own have no meaning here"],
    ),
    (
        "a: &a [*a]\n",
        &["1:8: an alias inside of what it stands for"],
    ),
    ("? [a]\n: b\n", &["1:3: a key must be a text"]),
    (
        "provider: x\nbase_url: .inf\n",
        &["2:11: infinity and NaN are no values here"],
    ),
    // What is put in.
    (
        "provider: x\nbase_url: https://x.example\nheaders: {A: '${env:MISSING_A} ${file:/no/such}', B: 'x${env:}', C: '${env:A'}\n",
        &[
            "3:15: environment variable `MISSING_A` is not set",
            "3:32: file `/no/such` cannot be read: there is none",
            "3:56: `${env:}` names nothing",
            "3:70: `${env:` has no closing `}`",
        ],
    ),
    (
        "provider: x\nbase_url: https://x.example\nmax_buffer: ${env:SECRET}\nretry: {max_attempts: '${env:SECRET}'}\nbreaker: {by: '${env:SECRET}'}\n",
        &[
            "3:13: what is put in here is not a size such as `64KiB`",
            "4:23: expected a whole number, found a text that is put in",
            "5:15: a text that is put in is not one of `provider`, `host`, `account`, `operation`",
        ],
    ),
];

#[test]
fn each_fault_is_said_at_its_place() {
    let mut wrong = String::new();
    for (text, expected) in TABLE {
        let found = provider_faults(text);
        if found != *expected {
            wrong.push_str(&format!(
                "{text}\n  found: {found:#?}\n  expected: {expected:#?}\n\n"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn broken_syntax_is_said_with_its_place() {
    for (text, place) in [
        ("a: [1\nb: 2\n", "2:"),
        ("a: 'b\n", ""),
        ("a: b: c\n", "1:"),
    ] {
        let found = provider_faults(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(place) && found[0].contains("not valid YAML: "),
            "{found:?}"
        );
    }
}

#[test]
fn all_files_are_said_in_one_run() {
    let dir = Dir::with(&[
        (
            "leeward.yaml",
            "listen: {egress: 127.0.0.1, admin: 'unix:x', telemetry: 127.0.0.1:1}\nstore: mysql://x\nencryption_key: abc\nlimits: {header_size: 1KiB}\n",
        ),
        (
            "providers/a.yaml",
            "provider: a\nbase_url: https://a.example\nx: 1\n",
        ),
        (
            "providers/b.yaml",
            "provider: a\nbase_url: https://b.example\n",
        ),
        (
            "providers/c.yml",
            "provider: c\nbase_url: https://c.example\nauth: {type: basic}\n",
        ),
        ("providers/broken.yaml", "provider: [\n"),
        ("accounts/one.yaml", "account: 'a b'\nprovider: a\n"),
        ("accounts/two.yaml", "account: two\nprovider: cc\n"),
        (
            "accounts/three.yaml",
            "account: three\nprovider: c\ncredentials: {username: u}\n",
        ),
        ("accounts/four.yaml", "account: four\nprovider: broken\n"),
        ("models/m.yaml", "model: contacts\n"),
        (
            "destinations/d.yaml",
            "destination: d\nurl: app.example\non_failing: stop\n",
        ),
        ("providers/.hidden.yaml", "?"),
        ("providers/x.yaml~", "?"),
        ("providers/notes.txt", "?"),
    ]);
    let loaded = dir.load();
    let found = dir.shown(&loaded.faults);
    let expected = [
        "accounts/one.yaml:1:10: `a b` is no account id: 1 to 200 of letters, digits and `._:@-`",
        "accounts/three.yaml:3:14: provider `c` (basic) needs the credential `password`",
        "accounts/two.yaml:2:11: there is no provider `cc`; did you mean `c`?",
        "destinations/d.yaml:2:6: `app.example` must begin with `https://` or `http://`",
        "destinations/d.yaml:3:13: `stop` is not one of `alert`, `pause`",
        "leeward.yaml:1:18: `127.0.0.1` is no address: write an IP address and a port as `127.0.0.1:4100`, or `unix:/path`",
        "leeward.yaml:1:36: `unix:x`: the path of a Unix socket must be absolute",
        "leeward.yaml:2:8: the store must be `sqlite:///path` or `postgres://…`",
        "leeward.yaml:3:17: the key must be 32 bytes in base64, as `openssl rand -base64 32` makes them",
        "leeward.yaml:4:23: `1KiB` is too little: at least `8KiB`",
        "models/m.yaml:1:8: `contacts` is no resource: it must be `model/resource`, as `crm/contacts`",
        "providers/a.yaml:3:1: unknown key `x`; known here:",
        "providers/b.yaml:1:11: provider `a` is in ",
        "providers/broken.yaml:1:11: not valid YAML: ",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
    // The first of two with one name stays; the broken one is there by the name of its file.
    let states: Vec<(&str, bool)> = loaded
        .providers
        .iter()
        .map(|source| (source.name.as_str(), source.result.is_ok()))
        .collect();
    assert_eq!(
        states,
        [("a", false), ("a", false), ("broken", false), ("c", true)]
    );
    assert!(loaded.process.is_err());
}

#[test]
fn an_account_needs_what_the_templates_name() {
    let dir = Dir::with(&[
        (
            "providers/shop.yaml",
            "provider: shop\nbase_url: 'https://{{account.vars.host}}/v1'\nhosts: ['*.shop.example']\nauth: {type: api_key, apply: {header: X-Key, value: '{{credentials.api_key}}'}}\n",
        ),
        ("accounts/a.yaml", "account: a\nprovider: shop\n"),
        (
            "accounts/b.yaml",
            "account: b\nprovider: shop\ncredentials: {api_key: k}\nvars: {host: b.shop.example}\n",
        ),
    ]);
    let loaded = dir.load();
    assert_eq!(
        dir.shown(&loaded.faults),
        [
            "accounts/a.yaml:1:1: provider `shop` (api_key) needs the credential `api_key`",
            "accounts/a.yaml:1:1: provider `shop` needs the variable `host`",
        ]
    );
}

#[test]
fn overrides_say_which_of_them_is_wrong() {
    let dir = Dir::with(&[("leeward.yaml", "limits: {max_connections: 10}\n")]);
    let loaded = dir.load_with(&[
        ("limits.header_timout", "1s"),
        ("drain_timeout", "5"),
        ("listen..x", "1"),
        ("telemetry.log", "loud"),
    ]);
    assert_eq!(
        dir.shown(&loaded.faults),
        [
            "--set drain_timeout:1:1: `5` is no duration: write a number and `ms`, `s`, `m`, `h` or `d`, as `90s`",
            "--set limits.header_timout:1:1: unknown key `header_timout`; did you mean `header_timeout`?",
            "--set listen..x:1:1: `listen..x` is no key: write it as `limits.header_size`",
            "--set telemetry.log:1:1: `loud` is not one of `off`, `error`, `warn`, `info`, `debug`, `trace`",
        ]
    );
}
