//! Which of a content item's integrations a name means. Pure.

#![forbid(unsafe_code)]

use crate::error::{Error, ErrorKind};
use crate::oauth::integrations::Integration;
use crate::oauth::response::NO_INTEGRATION_HELP;
use crate::oauth::token_exchange::token_type;
use crate::text::visible::push_visible;

/// The most integrations that a message lists.
const LISTED: usize = 20;
/// The most characters of each of their texts.
const TEXT: usize = 100;

/// The kind of the call that wants an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallKind {
    ServiceAccount,
    Viewer,
    Workload,
    /// Any other exchange, for which no kind of integration is better than another.
    Exchange,
}

impl CallKind {
    /// Returns the kind of the call that makes an exchange of these token types.
    pub fn of(subject_token_type: &str, requested_token_type: Option<&str>) -> Self {
        match (subject_token_type, requested_token_type) {
            (token_type::USER_SESSION, _) => Self::Viewer,
            (token_type::CONTENT_SESSION, Some(token_type::ID_TOKEN)) => Self::Workload,
            (token_type::CONTENT_SESSION, _) => Self::ServiceAccount,
            _ => Self::Exchange,
        }
    }
}

/// Returns the integration that `integration` means, for a call of this kind.
///
/// A name matches exactly, otherwise without regard to case and surrounding space, otherwise a template that just one
/// integration has. Of several with one name, the one of the call's kind is meant.
///
/// # Errors
///
/// [`ErrorKind::Refused`] when none matches or several do, with the list of those that there are.
pub(crate) fn choose<'a>(
    integrations: &'a [Integration],
    integration: &str,
    call: CallKind,
) -> Result<&'a Integration, Error> {
    let named = |matches: &dyn Fn(&str) -> bool| -> Vec<&Integration> {
        let is_named = |each: &&Integration| each.name.as_deref().is_some_and(matches);
        best_for(call, integrations.iter().filter(is_named).collect())
    };
    let mut found = named(&|name| name == integration);
    if found.is_empty() {
        found = named(&|name| is_alike(name, integration));
    }
    if found.is_empty() {
        let has_template = |each: &&Integration| {
            let template = each.template.as_deref();
            template.is_some_and(|template| is_alike(template, integration))
        };
        found = integrations.iter().filter(has_template).collect();
    }
    match found[..] {
        [one] => Ok(one),
        [] => Err(none(integrations, integration)),
        [..] => {
            let headline = format!(
                "{} integrations of this content match \"{}\".",
                found.len(),
                shown(integration)
            );
            let error = listed(Error::new(ErrorKind::Refused, headline), found.into_iter());
            Err(error.because("Set the integration to one of these GUIDs."))
        }
    }
}

/// Returns `error`, which a server gave because no integration was chosen, with the list of those that there are.
pub(crate) fn with_choices(error: Error, integrations: &[Integration]) -> Error {
    let sentence = format!("This content has {} integrations:", integrations.len());
    let error = listed(error.because(sentence), integrations.iter());
    error.because("Set the integration to the name or GUID of one of them.")
}

fn none(integrations: &[Integration], integration: &str) -> Error {
    let headline = format!(
        "This content has no integration called \"{}\".",
        shown(integration)
    );
    let error = Error::new(ErrorKind::Refused, headline);
    if integrations.is_empty() {
        return error
            .because("No integrations are associated with this content.")
            .because(NO_INTEGRATION_HELP);
    }
    listed(error.because("It has:"), integrations.iter())
        .because("Set the integration to the name, template or GUID of one of them.")
}

/// Keeps the integrations whose kind fits the call best.
fn best_for(call: CallKind, found: Vec<&Integration>) -> Vec<&Integration> {
    let fit = |each: &&Integration| misfit(call, each.auth_type.as_deref());
    let best = found.iter().map(fit).min();
    found.into_iter().filter(|each| Some(fit(each)) == best).collect()
}

/// Returns how badly an integration of this kind fits the call: 0 when it is the call's kind, 2 when it is another call's,
/// 1 when that is unknown.
fn misfit(call: CallKind, auth_type: Option<&str>) -> u8 {
    let Some(auth_type) = auth_type.map(str::to_lowercase) else {
        return 1;
    };
    let is = |word: &str| auth_type.contains(word);
    let kind = match () {
        // Connect says viewer and, for its own API keys, visitor.
        () if is("viewer") || is("visitor") => CallKind::Viewer,
        () if is("service") => CallKind::ServiceAccount,
        () if is("workload") => CallKind::Workload,
        () => return 1,
    };
    match (call, kind) {
        (CallKind::Exchange, _) => 1,
        _ if kind == call => 0,
        // Both act for the content and not for a viewer.
        (CallKind::Workload, CallKind::ServiceAccount) => 1,
        _ => 2,
    }
}

fn is_alike(known: &str, integration: &str) -> bool {
    known.trim().to_lowercase() == integration.trim().to_lowercase()
}

/// Adds one line for each integration.
fn listed<'a>(mut error: Error, integrations: impl ExactSizeIterator<Item = &'a Integration>) -> Error {
    let left_out = integrations.len().saturating_sub(LISTED);
    for each in integrations.take(LISTED) {
        error = error.because(line(each));
    }
    match left_out {
        0 => error,
        _ => error.because(format!("- and {left_out} more")),
    }
}

/// Describes the integrations for a report, one line each.
pub(crate) fn described(integrations: &[Integration]) -> impl Iterator<Item = String> {
    integrations.iter().take(LISTED).map(line)
}

/// Describes one integration: `- "Warehouse" (databricks, Viewer), GUID 22644575-…`.
fn line(integration: &Integration) -> String {
    let name = match &integration.name {
        Some(name) => format!("\"{}\"", shown(name)),
        None => "without a name".to_owned(),
    };
    let kind: Vec<_> = [&integration.template, &integration.auth_type]
        .into_iter()
        .flatten()
        .map(|text| shown(text))
        .collect();
    let kind = match kind.is_empty() {
        true => String::new(),
        false => format!(" ({})", kind.join(", ")),
    };
    format!("- {name}{kind}, GUID {}", shown(&integration.guid))
}

/// Makes a text fit for a message: short, on one line, with every character visible.
fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    characters
        .by_ref()
        .take(TEXT)
        .for_each(|each| push_visible(&mut out, each));
    if characters.next().is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integration(guid: &str, name: &str, template: &str, auth_type: &str) -> Integration {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Integration {
            guid: guid.to_owned(),
            name: given(name),
            description: None,
            template: given(template),
            auth_type: given(auth_type),
        }
    }

    fn some() -> Vec<Integration> {
        vec![
            integration("g1", "Warehouse", "databricks", "Viewer"),
            integration("g2", "warehouse", "databricks", "Service Account"),
            integration("g3", "Files", "aws", "Service Account"),
            integration("g4", "Files", "azure", "Viewer"),
            integration("g5", "Keys", "connect", "Visitor API Key"),
            integration("g6", "Keys", "custom", "Service Account"),
            integration("g7", "", "github", ""),
        ]
    }

    fn guid(integration: &str, call: CallKind) -> String {
        choose(&some(), integration, call).unwrap().guid.clone()
    }

    #[test]
    fn an_exact_name_comes_before_one_in_other_letters() {
        for call in [CallKind::Viewer, CallKind::ServiceAccount, CallKind::Exchange] {
            assert_eq!(guid("Warehouse", call), "g1");
            assert_eq!(guid("warehouse", call), "g2");
        }
    }

    #[test]
    fn a_name_matches_without_regard_to_case_and_surrounding_space() {
        assert_eq!(guid(" WAREHOUSE ", CallKind::Viewer), "g1");
        assert_eq!(guid(" WAREHOUSE ", CallKind::ServiceAccount), "g2");
        let accents = [integration("g", " Größe É ", "", "")];
        assert_eq!(choose(&accents, "grösse é", CallKind::Viewer).ok(), None);
        assert_eq!(choose(&accents, "größe é", CallKind::Viewer).unwrap().guid, "g");
    }

    #[test]
    fn of_two_with_one_name_the_one_of_the_calls_kind_is_meant() {
        assert_eq!(guid("Files", CallKind::ServiceAccount), "g3");
        assert_eq!(guid("Files", CallKind::Viewer), "g4");
        assert_eq!(guid("Keys", CallKind::Viewer), "g5");
        assert_eq!(guid("Keys", CallKind::ServiceAccount), "g6");
        assert_eq!(guid("Keys", CallKind::Workload), "g6");
        let old = [
            integration("g1", "A", "", ""),
            integration("g2", "A", "", "Viewer"),
        ];
        assert_eq!(choose(&old, "A", CallKind::Viewer).unwrap().guid, "g2");
        assert_eq!(
            choose(&old, "A", CallKind::ServiceAccount).unwrap().guid,
            "g1",
            "unknown before another's"
        );
    }

    #[test]
    fn a_name_of_another_kind_is_chosen_when_it_is_the_only_one() {
        let only = [integration("g", "A", "", "Viewer")];
        assert_eq!(choose(&only, "A", CallKind::ServiceAccount).unwrap().guid, "g");
    }

    #[test]
    fn a_template_matches_when_just_one_integration_has_it() {
        assert_eq!(guid("aws", CallKind::Viewer), "g3");
        assert_eq!(guid("GitHub", CallKind::ServiceAccount), "g7");
        for call in [CallKind::Viewer, CallKind::ServiceAccount] {
            assert_eq!(
                choose(&some(), "databricks", call).unwrap_err().kind(),
                ErrorKind::Refused
            );
        }
    }

    #[test]
    fn several_matches_are_listed_with_kind_and_guid() {
        let error = choose(&some(), "databricks", CallKind::Viewer).unwrap_err();
        assert_eq!(
            error.message(),
            "2 integrations of this content match \"databricks\".\n\
             - \"Warehouse\" (databricks, Viewer), GUID g1\n\
             - \"warehouse\" (databricks, Service Account), GUID g2\n\
             Set the integration to one of these GUIDs."
        );
        let error = choose(&some(), "Files", CallKind::Exchange).unwrap_err();
        assert!(
            error
                .message()
                .contains("GUID g3\n- \"Files\" (azure, Viewer), GUID g4\n"),
            "{error}"
        );
        assert!(!error.is_retryable() && !error.is_final());
    }

    #[test]
    fn a_name_that_matches_nothing_gets_the_list_of_what_there_is() {
        let error = choose(&some()[5..], "no\u{202e}ne", CallKind::Viewer).unwrap_err();
        assert_eq!(
            error.message(),
            "This content has no integration called \"no\\u{202e}ne\".\nIt has:\n\
             - \"Keys\" (custom, Service Account), GUID g6\n\
             - without a name (github), GUID g7\n\
             Set the integration to the name, template or GUID of one of them."
        );
        let error = choose(&[], "x", CallKind::Viewer).unwrap_err();
        assert!(error.message().ends_with("deployed-content"), "{error}");
    }

    #[test]
    fn a_long_list_and_long_names_are_cut() {
        let many: Vec<_> = (0..25)
            .map(|number| integration(&number.to_string(), &"n".repeat(300), "\n", ""))
            .collect();
        let message = choose(&many, "x", CallKind::Viewer).unwrap_err().message();
        assert!(
            message.contains("GUID 19\n- and 5 more\n") && !message.contains("GUID 20"),
            "{message}"
        );
        assert!(
            message.contains(&format!("\"{}…\" (\\n)", "n".repeat(100))),
            "{message}"
        );
    }

    #[test]
    fn a_refusal_because_none_was_chosen_gets_the_choices() {
        let refusal = Error::new(ErrorKind::Refused, "The server rejected the request.");
        assert_eq!(
            with_choices(refusal, &some()[2..4]).message(),
            "The server rejected the request.\nThis content has 2 integrations:\n\
             - \"Files\" (aws, Service Account), GUID g3\n\
             - \"Files\" (azure, Viewer), GUID g4\n\
             Set the integration to the name or GUID of one of them."
        );
    }
}
