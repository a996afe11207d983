-- The store, schema version 1. Later changes are migrations in database.py.
--
-- The large tables carry no key index and no foreign key: with them, deleting a benchmark of a
-- million queries takes minutes instead of a tenth of a second. Every write checks both,
-- inside the transaction.

-- One row: the state of the store itself.
CREATE TABLE meta (
    schema_version INTEGER NOT NULL,             -- how many migrations have run
    data_hash      VARCHAR NOT NULL,             -- SHA-256 of the shipped files it was built from; '' if none
    write_count    BIGINT  NOT NULL              -- raised by each write; whoever caches a reading keys on it
);
INSERT INTO meta VALUES (0, '', 0);

-- A set of queries whose answers have been graded.
CREATE TABLE benchmark (
    benchmark_id VARCHAR PRIMARY KEY CHECK (benchmark_id <> ''),  -- short name, as in links and on the command line
    title        VARCHAR NOT NULL,               -- name to show
    description  VARCHAR NOT NULL,               -- what a good answer shows
    weak_spots   VARCHAR NOT NULL,               -- what to know before trusting a figure; '' if nothing
    origin       VARCHAR NOT NULL CHECK (origin IN ('shipped', 'user')),  -- came with the project, or imported here
    quality_low  DOUBLE  NOT NULL,               -- worst possible quality, in quality_unit
    quality_high DOUBLE  NOT NULL,               -- best possible quality, in quality_unit
    quality_unit VARCHAR NOT NULL CHECK (quality_unit IN ('share right', 'points')),  -- a fraction, or a judge's points
    source       VARCHAR NOT NULL,               -- where the outcomes come from
    licence      VARCHAR NOT NULL,               -- of the outcomes and of the queries
    CHECK (quality_low < quality_high)
);

-- Unique: (benchmark_id, query_id).
CREATE TABLE query (
    benchmark_id  VARCHAR NOT NULL,              -- the benchmark it belongs to
    query_id      VARCHAR NOT NULL,              -- name of the query, unique within the benchmark
    slice         VARCHAR NOT NULL,              -- subject or category
    cluster_id    VARCHAR NOT NULL,              -- equal for queries that say the same; one draw in a resample
    contaminated  BOOLEAN NOT NULL,              -- true: stands in what routers learned from, left out of figures
    prompt_tokens DOUBLE CHECK (prompt_tokens >= 0),  -- tokens the user wrote (cl100k_base); NULL: not counted
    text_hash     VARCHAR                        -- names the text in query_text; NULL: there is no text
);

-- Texts that were resolved or imported on this machine. Unique: text_hash.
CREATE TABLE query_text (
    text_hash VARCHAR NOT NULL,                  -- first 32 hexadecimal digits of the SHA-256 of text
    text      VARCHAR NOT NULL                   -- the query as the router reads it
);

-- What one model did on one query. Unique: (benchmark_id, query_id, model).
CREATE TABLE outcome (
    benchmark_id  VARCHAR NOT NULL,              -- with query_id: the query answered
    query_id      VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,              -- the model's name in its source
    quality       DOUBLE  NOT NULL,              -- in the benchmark's quality_unit, within its scale
    answer_tokens DOUBLE CHECK (answer_tokens >= 0),  -- tokens of all its answers (cl100k_base); NULL: not counted
    cost_usd      DOUBLE CHECK (cost_usd >= 0),  -- US dollars billed; NULL: not known
    latency_s     DOUBLE CHECK (latency_s >= 0)  -- seconds to the full answer; NULL: not known
);

CREATE TABLE router (
    router_id   VARCHAR PRIMARY KEY CHECK (router_id <> ''),  -- unique name of this trained router
    router_name VARCHAR NOT NULL,                -- kind of router, a key of the registry
    recipe      VARCHAR NOT NULL,                -- what it was trained on and how, in a word
    trained_on  VARCHAR NOT NULL,                -- its training data sets, for people to read
    origin      VARCHAR NOT NULL CHECK (origin IN ('shipped', 'user')),  -- came with the project, or trained here
    embedder    VARCHAR,                         -- name of the embedding model; NULL: needs none
    config      VARCHAR NOT NULL,                -- JSON that rebuilds it
    checkpoint  VARCHAR,                         -- folder of its weights; NULL: has none
    created_at  TIMESTAMP NOT NULL               -- UTC
);

-- Unique: all but the last two columns.
CREATE TABLE strong_win_rate (
    router_id       VARCHAR NOT NULL,            -- the router that scored
    weak_model      VARCHAR NOT NULL,            -- the pair scored for: the cheap model
    strong_model    VARCHAR NOT NULL,            -- and the dear one
    benchmark_id    VARCHAR NOT NULL,            -- with query_id: the query scored
    query_id        VARCHAR NOT NULL,
    view            VARCHAR NOT NULL CHECK (view IN ('in_domain', 'unseen_slices', 'untouched')),  -- what it had seen of the benchmark
    strong_win_rate FLOAT NOT NULL CHECK (strong_win_rate BETWEEN 0 AND 1),  -- chance that the strong answer wins, ties half
    fold            SMALLINT                     -- the fold left out when it was trained; NULL or -1: no folds
);

-- Verdicts between two answers to one query: what routers learn from.
CREATE TABLE battle (
    text_hash VARCHAR NOT NULL,                  -- the query
    model_a   VARCHAR NOT NULL,                  -- model behind the first answer
    model_b   VARCHAR NOT NULL,                  -- model behind the second answer
    winner    VARCHAR NOT NULL CHECK (winner IN ('model_a', 'model_b', 'tie')),  -- the verdict
    judge     VARCHAR NOT NULL,                  -- who judged: a person or a model
    source    VARCHAR NOT NULL,                  -- data set it came with
    weight    DOUBLE  NOT NULL CHECK (weight > 0)  -- how many verdicts the row stands for
);

-- Chosen routing rules, as exported.
CREATE TABLE policy (
    policy_id  VARCHAR PRIMARY KEY CHECK (policy_id <> ''),  -- name of the policy
    created_at TIMESTAMP NOT NULL,               -- UTC
    document   VARCHAR NOT NULL                  -- JSON: router, pair, threshold and the evidence for it
);
