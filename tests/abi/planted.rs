//! The gate closes: a change of each kind, planted in a copy of the header, is found and called what it is.

use std::fs;

use super::description::{Abi, Difference};
use super::{include, support};

/// Describes the header with `from` replaced by `to`, and compares it with the header as it is.
fn plant(name: &str, from: &str, to: &str) -> Difference {
    let header = fs::read_to_string(include().join("connectcreds.h")).expect("the header is there");
    assert_eq!(header.matches(from).count(), 1, "{from}");
    let directory = support::scratch().join(format!("abi-planted-{name}-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("the directory can be made");
    fs::write(directory.join("connectcreds.h"), header.replace(from, to)).expect("written");
    let before = Abi::declared(&include(), &format!("before-{name}"));
    Abi::declared(&directory, &format!("after-{name}")).since(&before)
}

macro_rules! planted {
    ($($kind:ident: $test:ident, $from:literal => $to:literal;)+) => {$(
        #[test]
        #[ignore = "needs abidiff (abigail-tools); tests/run runs it"]
        fn $test() {
            let difference = plant(stringify!($test), $from, $to);
            assert!(matches!(difference, Difference::$kind(_)), "{difference:?}");
        }
    )+};
}

planted! {
    Break: abi_gate_finds_a_removed_function,
        "bool cc_running_on_connect(void);" => "";
    Break: abi_gate_finds_a_changed_parameter,
        "cc_request_set_timeout_ms(cc_request *request, uint32_t" => "cc_request_set_timeout_ms(cc_request *request, uint64_t";
    Break: abi_gate_finds_a_parameter_that_joined,
        "bool cc_running_on_connect(void);" => "bool cc_running_on_connect(int which);";
    Break: abi_gate_finds_a_changed_result,
        "int32_t cc_error_connect_code(" => "int64_t cc_error_connect_code(";
    Break: abi_gate_finds_a_const_that_went,
        "cc_token_ref(const cc_token *" => "cc_token_ref(cc_token *";
    Break: abi_gate_finds_a_changed_callback,
        "typedef bool (*cc_cancel_fn)(void *user_data);" => "typedef bool (*cc_cancel_fn)(void *user_data, int why);";
    Break: abi_gate_finds_a_changed_status,
        "typedef int32_t cc_status;" => "typedef int64_t cc_status;";
    Break: abi_gate_finds_a_changed_constant,
        "#define CC_ERR_TIMEOUT 22" => "#define CC_ERR_TIMEOUT 24";
    Break: abi_gate_finds_a_changed_string,
        "token-type:id_token\"" => "token-type:id-token\"";
    Break: abi_gate_finds_a_removed_constant,
        "#define CC_LOG_DEBUG 4" => "";
    Break: abi_gate_finds_a_changed_field,
        "    int32_t status;" => "    int64_t status;";
    Break: abi_gate_finds_a_field_that_joined_a_frozen_structure,
        "    const char *body;" => "    const char *body;\n    const char *headers;";
    Break: abi_gate_finds_a_field_that_joined_in_the_middle,
        "    uint64_t misses;" => "    uint64_t misses;\n    uint64_t more;";
    Break: abi_gate_finds_a_changed_type_of_the_same_size,
        "    uint64_t evictions;" => "    int64_t evictions;";
    Additions: abi_gate_wants_an_added_function_recorded,
        "const char *cc_version(void);" => "const char *cc_version(void);\nvoid cc_added(void);";
    Additions: abi_gate_wants_an_added_constant_recorded,
        "#define CC_ERR_TIMEOUT 22" => "#define CC_ERR_TIMEOUT 22\n#define CC_ERR_ADDED 24";
    Additions: abi_gate_wants_an_added_statistic_recorded,
        "    uint64_t entries;" => "    uint64_t entries;\n    uint64_t more;";
}

#[test]
#[ignore = "needs abidiff (abigail-tools); tests/run runs it"]
fn abi_gate_lets_documentation_attributes_and_names_of_parameters_change() {
    let from = "bool cc_token_invalidate(const cc_token *token);";
    let to = "/* Another comment. */\n__attribute__((unused)) bool cc_token_invalidate(\n    const cc_token *refused) \
              __attribute__((warn_unused_result));";
    assert_eq!(plant("documentation", from, to), Difference::None);
}
