//! Properties of cache keys: two questions share a token exactly when all of their parts are equal.

use proptest::prelude::*;

use super::{CacheKey, CacheKeyRef, Subject};
use crate::oauth::params::ExchangeParams;
use crate::text::hash::Part;

const SERVERS: [&str; 3] = ["http://h", "http://h/", "https://h"];
const GUIDS: [&str; 2] = [
    "22644575-a27b-4118-ad06-e24459b05126",
    "f2f37341-e21d-3d80-c698-a935ad614066",
];

/// All that a caller and the environment say of one exchange. Texts are short, so that parts are often equal, and so
/// that the end of one may be the beginning of the next.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    subject: Asker,
    subject_token_type: String,
    requested_token_type: Option<String>,
    server: &'static str,
    api_key: String,
    scope: Option<String>,
    resource: Option<String>,
    chosen: Chosen,
    further: Option<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Asker {
    Given(String),
    Ambient(String, String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Chosen {
    Nothing,
    Audience(String),
    Integration(String),
}

fn text() -> impl Strategy<Value = String> {
    "[ab&=]{1,2}"
}

fn askers() -> impl Strategy<Value = Asker> {
    prop_oneof![
        text().prop_map(Asker::Given),
        ("[ab]{0,2}", "[ab]{0,2}").prop_map(|(file, variable)| Asker::Ambient(file, variable)),
    ]
}

fn choices() -> impl Strategy<Value = Chosen> {
    let guid = || prop::sample::select(&GUIDS[..]).prop_map(str::to_owned);
    prop_oneof![
        Just(Chosen::Nothing),
        prop_oneof![text(), guid()].prop_map(Chosen::Audience),
        prop_oneof![text(), guid()].prop_map(Chosen::Integration),
    ]
}

fn questions() -> impl Strategy<Value = Question> {
    let types = (text(), prop::option::of(text()));
    let server = (prop::sample::select(&SERVERS[..]), text());
    let params = (
        prop::option::of(text()),
        prop::option::of(text()),
        choices(),
        prop::option::of((text(), text())),
    );
    (askers(), types, server, params).prop_map(|(subject, types, server, params)| Question {
        subject,
        subject_token_type: types.0,
        requested_token_type: types.1,
        server: server.0,
        api_key: server.1,
        scope: params.0,
        resource: params.1,
        chosen: params.2,
        further: params.3,
    })
}

/// Two questions of which the second is the first with some parts of another: they are often equal, or differ in one.
fn pairs() -> impl Strategy<Value = (Question, Question)> {
    let mixed = |keep: [bool; 9], one: &Question, other: &Question| {
        let pick = |part: usize| if keep[part] { one } else { other };
        Question {
            subject: pick(0).subject.clone(),
            subject_token_type: pick(1).subject_token_type.clone(),
            requested_token_type: pick(2).requested_token_type.clone(),
            server: pick(3).server,
            api_key: pick(4).api_key.clone(),
            scope: pick(5).scope.clone(),
            resource: pick(6).resource.clone(),
            chosen: pick(7).chosen.clone(),
            further: pick(8).further.clone(),
        }
    };
    let mostly = prop::array::uniform9(prop::bool::weighted(0.9));
    (questions(), questions(), mostly).prop_map(move |(one, other, keep)| {
        let second = mixed(keep, &one, &other);
        (one, second)
    })
}

impl Question {
    fn params(&self) -> ExchangeParams {
        let mut params = ExchangeParams::default();
        params.set_scope(self.scope.clone());
        params.set_resource(self.resource.clone());
        match &self.chosen {
            Chosen::Nothing => {}
            Chosen::Audience(audience) => params.set_audience(Some(audience.clone())).expect("one of them"),
            Chosen::Integration(name) => params.set_integration(Some(name.clone())).expect("one of them"),
        }
        if let Some((name, value)) = &self.further {
            params
                .set_param(name, Some(value))
                .expect("a name that is not an option's");
        }
        params
    }

    /// The same question with a subject that is known without a file.
    fn with_subject_given(mut self) -> Self {
        if let Asker::Ambient(file, variable) = &self.subject {
            self.subject = Asker::Given(format!("{file}-{variable}"));
        }
        self
    }

    /// Calls `look` with the question as a call asks it.
    fn asked<T>(&self, look: impl FnOnce(&CacheKeyRef<'_>) -> T) -> T {
        let params = self.params();
        look(&CacheKeyRef {
            subject: match &self.subject {
                Asker::Given(token) => Subject::Given(Part::new(token.as_bytes())),
                Asker::Ambient(file, variable) => Subject::Ambient {
                    file: Part::new(file.as_bytes()),
                    variable: Part::new(variable.as_bytes()),
                },
            },
            subject_token_type: &self.subject_token_type,
            requested_token_type: self.requested_token_type.as_deref(),
            server: Part::new(self.server.as_bytes()),
            api_key: Part::new(self.api_key.as_bytes()),
            api_key_required: true,
            params: &params,
        })
    }

    /// The question as the cache keeps it, with a hash that says nothing.
    fn kept(&self) -> CacheKey {
        let mut key = self
            .asked(|question| question.to_key())
            .expect("every part is valid");
        key.hash = 0;
        key
    }
}

proptest! {
    #[test]
    fn keys_are_equal_exactly_when_every_part_is((one, other) in pairs()) {
        prop_assert_eq!(one.kept() == other.kept(), one == other);
    }

    #[test]
    fn a_kept_key_is_found_by_its_own_question_alone((one, other) in pairs()) {
        let kept = one.kept();
        prop_assert_eq!(other.asked(|question| kept.is(question)), one == other);
    }

    #[test]
    fn the_same_question_has_the_same_hash(one in questions()) {
        let hash = one.asked(|question| question.hash());
        prop_assert_eq!(hash, one.clone().asked(|question| question.hash()));
        prop_assert_eq!(hash, one.asked(|question| question.to_key()).expect("valid").hash());
    }

    /// Questions that the server can tell apart share no token.
    #[test]
    fn questions_that_are_sent_differently_have_different_keys((one, other) in pairs()) {
        let (one, other) = (one.with_subject_given().kept(), other.with_subject_given().kept());
        let sent = |key: &CacheKey| key.exchange().expect("the subject is given").form().to_vec();
        if sent(&one) != sent(&other) {
            prop_assert!(one != other);
        }
    }
}
