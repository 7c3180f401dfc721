//! The snippets of the guide stand between this file and checks.rs; tests/guide/fragments.rs joins them.

use std::sync::Arc;

