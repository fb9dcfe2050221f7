//! The help, made from the declarations: whatever the parser takes is in it.

use std::fmt::Write;

use super::entity::{Entity, Place, Report, Schema, command};
use super::grammar::{VERBS, Verb};
use super::options::OPTIONS;

const TIMES: &str = "\
TIME is 2026-03-19, 2026-03-19T18:00[:00], now, today, tomorrow, yesterday, now+30days, now-2hours, uts1773943200
or never, in the site's zone; a date alone is its first instant.
";

const EXIT: &str = "\
Exit status: 0 done, 1 refused, not found or given up, 2 usage or configuration, 3 the daemon is unavailable.
";

/// The help about everything, about a verb, or about a verb and an entity.
pub fn text(verb: Option<Verb>, entity: Option<Entity>) -> String {
    let mut text = String::new();
    match verb {
        None | Some(Verb::Help) => overview(&mut text),
        Some(verb) => about_verb(&mut text, verb, entity),
    }
    text
}

// Writing to a String cannot fail, so the results of `write!` are dropped throughout.

fn overview(text: &mut String) {
    text.push_str("bursar [OPTIONS] COMMAND: access, quota and chargeback for Slurm\n\nCommands:\n");
    for (_, words, follows, about) in &VERBS {
        let _ = writeln!(text, "  {}\n        {about}", format!("{} {follows}", words.join("|")).trim_end());
    }
    text.push_str("\nEntities:\n");
    for entity in Entity::ALL {
        let schema = entity.schema();
        let _ = writeln!(text, "  {:<14}{}", schema.name, schema.about);
        if !schema.aliases.is_empty() {
            let _ = writeln!(text, "  {:<14}also {}", "", schema.aliases.join(", "));
        }
    }
    text.push_str("\nOptions, anywhere on the line:\n");
    for option in &OPTIONS {
        let short = option.short.map_or_else(|| "    ".to_owned(), |letter| format!("-{letter}, "));
        let value = if option.value.is_empty() { String::new() } else { format!(" {}", option.value) };
        let _ = writeln!(text, "  {short}--{}{value}", option.long);
        let _ = writeln!(text, "        {}", option.about);
    }
    text.push_str(
        "\nKeywords may be in any case and cut to any unique prefix. Commas separate the values of a list.\n",
    );
    text.push_str(TIMES);
    text.push_str(EXIT);
    text.push_str("\n`bursar help VERB ENTITY` names the keys and fields.\n");
}

fn about_verb(text: &mut String, verb: Verb, entity: Option<Entity>) {
    for (_, words, follows, about) in VERBS.iter().filter(|(known, ..)| *known == verb) {
        let _ = writeln!(text, "bursar {} {follows}\n    {about}", words.join("|"));
    }
    let entities = || entity.map_or_else(|| Entity::ALL.to_vec(), |entity| vec![entity]);
    match verb {
        Verb::Show => entities().iter().for_each(|entity| asked(text, "show", entity.schema())),
        Verb::Add | Verb::Modify | Verb::Delete => entities().iter().for_each(|entity| {
            let schema = entity.schema();
            changed(text, verb, schema);
        }),
        Verb::Balance => asked(text, "", &command::BALANCE),
        Verb::Report => Report::ALL.iter().for_each(|kind| asked(text, "report", kind.schema())),
        Verb::Explain => {
            asked(text, "explain", &command::EXPLAIN_JOB);
            asked(text, "explain", &command::EXPLAIN_LOGIN);
        }
        Verb::Price => asked(text, "", &command::PRICE),
        Verb::Import => asked(text, "import", &command::IMPORT_USAGE),
        Verb::Verify => asked(text, "", &command::VERIFY),
        Verb::Sync => asked(text, "", &command::SYNC),
        Verb::Status => asked(text, "", &command::STATUS),
        Verb::Check | Verb::Version | Verb::Help => {}
    }
    if !matches!(verb, Verb::Check | Verb::Version | Verb::Help | Verb::Sync | Verb::Status) {
        let _ = write!(text, "\n{TIMES}");
    }
}

fn asked(text: &mut String, verb: &str, schema: &Schema) {
    let _ = writeln!(text, "\n{}", format!("{verb} {}", schema.name).trim_start());
    let _ = writeln!(text, "    {}", schema.about);
    keys(text, "keys", schema, Place::Where);
    if let Some(bare) = schema.bare {
        let _ = writeln!(text, "  a word without `=` is a value of {bare}");
    }
    for flag in schema.flags {
        let _ = writeln!(text, "  {}\n        {}", flag.name, flag.about);
    }
    text.push_str("  fields for format=; those with * are shown without it\n");
    for field in schema.fields {
        let mark = if field.is_default { '*' } else { ' ' };
        let _ = writeln!(text, "  {mark} {:<18}{}", format!("{}%{}", field.name, field.width), field.about);
    }
}

fn changed(text: &mut String, verb: Verb, schema: &Schema) {
    let applies = match verb {
        Verb::Add => schema.can_add,
        Verb::Modify => schema.can_modify,
        _ => schema.can_delete,
    };
    let _ = writeln!(text, "\n{} {}", verb.word(), schema.name);
    let _ = writeln!(text, "    {}", schema.about);
    if !applies {
        let _ = writeln!(text, "    does not apply: {}", schema.instead);
        return;
    }
    match verb {
        Verb::Add => keys(text, "keys", schema, Place::Add),
        Verb::Modify => {
            keys(text, "where", schema, Place::Where);
            keys(text, "set", schema, Place::Set);
        }
        _ => {
            keys(text, "where", schema, Place::Where);
            keys(text, "and", schema, Place::Delete);
        }
    }
}

fn keys(text: &mut String, title: &str, schema: &Schema, place: Place) {
    let mut declared = schema.keys_at(place).peekable();
    if declared.peek().is_none() {
        return;
    }
    let _ = writeln!(text, "  {title}");
    for key in declared {
        let needed = if place == Place::Add && key.is_needed() { " (needed)" } else { "" };
        let _ = writeln!(text, "    {}={}{needed}", key.name, key.kind.placeholder());
        let also = if key.aliases.is_empty() { String::new() } else { format!("; also {}", key.aliases.join(", ")) };
        let _ = writeln!(text, "        {}{also}", key.about);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_any_declared_key_alias_field_or_flag_then_the_help_names_it() {
        for entity in Entity::ALL {
            let schema = entity.schema();
            for (verb, place) in [
                (Verb::Show, Place::Where),
                (Verb::Add, Place::Add),
                (Verb::Modify, Place::Set),
                (Verb::Delete, Place::Delete),
            ] {
                let help = text(Some(verb), Some(entity));
                for key in schema.keys_at(place) {
                    assert!(help.contains(&format!("    {}=", key.name)), "{verb:?} {}: {help}", key.name);
                    assert!(key.aliases.iter().all(|alias| help.contains(alias)), "{verb:?} {}: {help}", key.name);
                }
            }
            let help = text(Some(Verb::Show), Some(entity));
            for field in schema.fields {
                assert!(help.contains(&format!(" {}%{}", field.name, field.width)), "{}: {help}", field.name);
            }
            assert!(schema.flags.iter().all(|flag| help.contains(flag.name)), "{help}");
            assert!(text(None, None).contains(schema.about), "{}", schema.name);
        }
        let reports = Report::ALL.map(|kind| (Verb::Report, kind.schema()));
        for (verb, schema) in reports.into_iter().chain([
            (Verb::Balance, &command::BALANCE),
            (Verb::Explain, &command::EXPLAIN_JOB),
            (Verb::Explain, &command::EXPLAIN_LOGIN),
            (Verb::Price, &command::PRICE),
            (Verb::Import, &command::IMPORT_USAGE),
            (Verb::Verify, &command::VERIFY),
            (Verb::Sync, &command::SYNC),
            (Verb::Status, &command::STATUS),
        ]) {
            let help = text(Some(verb), None);
            assert!(schema.keys.iter().all(|key| help.contains(&format!("    {}=", key.name))), "{help}");
            assert!(schema.fields.iter().all(|field| help.contains(&format!(" {}%", field.name))), "{help}");
        }
    }

    #[test]
    fn given_any_verb_or_option_then_the_overview_names_it() {
        let help = text(None, None);
        for (_, words, _, about) in &VERBS {
            assert!(help.contains(&words.join("|")) && help.contains(about), "{words:?}");
        }
        for option in &OPTIONS {
            assert!(help.contains(&format!("--{}", option.long)) && help.contains(option.about), "{}", option.long);
        }
    }

    #[test]
    fn given_a_verb_that_does_not_apply_then_the_help_says_what_does() {
        let help = text(Some(Verb::Add), Some(Entity::User));
        assert!(help.contains("does not apply: people and groups come from the identity sources"), "{help}");
    }
}
