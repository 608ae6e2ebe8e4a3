# The habits of a working day.

# What to run before each commit: seconds, once built.
quick:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo nextest run --workspace --lib

# Everything that CI runs.
full:
    .ci/run

# All tests (README's command).
test:
    ./test

# Leeward beside a thin proxy, in one run.
bench *ARGS:
    cargo build --release -p leeward -p leeward-bench
    target/release/leeward-bench {{ARGS}}

# Each layer's own cost beside the bare service.
bench-layers:
    cargo bench --workspace

# The newcomer's main job.
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# Rewrites what is generated: the reference of all keys.
docs:
    UPDATE_DOCS=1 cargo nextest run -p leeward-config reference
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
