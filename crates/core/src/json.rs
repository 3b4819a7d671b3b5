//! A JSON value as the sender wrote it: numbers keep their literal text, so no id loses a digit, and an object keeps a
//! key that stands in it twice, so that whoever reads that key can see that two readers could see two values.

mod look_up;
mod order;
mod value;
mod write;

pub use look_up::Doubt;
pub use value::{Json, Member, Object};

#[cfg(test)]
mod tests {
    use super::*;

    fn object(keys: &[String]) -> Object<'static> {
        let member =
            |(n, key): (usize, &String)| (key.clone().into(), Json::Number(n.to_string().into()));
        keys.iter()
            .enumerate()
            .map(member)
            .collect::<Vec<_>>()
            .into()
    }

    #[test]
    fn many_members_are_found_as_few_are() {
        for more in [0, 100] {
            let mut keys: Vec<String> = [
                "b", "a", "deviceId", "A", "twice", "x", "twice", "Thrice", "thrice", "thrice",
            ]
            .map(str::to_owned)
            .to_vec();
            keys.extend((0..more).map(|n| format!("k{n}")));
            let object = object(&keys);
            let number = |key| object.get(key).and_then(Json::text);
            assert_eq!(
                ["b", "deviceId", "twice", "no"].map(number),
                [Some("0"), Some("2"), Some("4"), None]
            );
            let doubts = [
                "b", "deviceId", "DEVICEID", "no", "a", "A", "twice", "thrice", "Thrice",
            ]
            .map(|k| object.doubt(k));
            assert_eq!(
                doubts,
                [
                    None,
                    None,
                    None,
                    None,
                    Some(Doubt::TwoCases("a")),
                    Some(Doubt::TwoCases("A")),
                    Some(Doubt::Twice("twice")),
                    Some(Doubt::Twice("thrice")),
                    Some(Doubt::TwoCases("Thrice")),
                ],
                "{more}"
            );
            assert!(matches!(object.twice(), Some("twice" | "thrice")));
        }
        assert_eq!(object(&["a".to_owned(), "A".to_owned()]).twice(), None);
    }

    #[test]
    fn a_member_that_is_added_is_found() {
        for count in [1, 40] {
            let keys: Vec<String> = (0..count).map(|n| format!("k{n}")).collect();
            let mut object = object(&keys);
            *object.or_null("new") = Json::Bool(true);
            *object.or_null("k0") = Json::Bool(false);
            assert_eq!(
                (object.get("new"), object.get("k0")),
                (Some(&Json::Bool(true)), Some(&Json::Bool(false)))
            );
            assert_eq!(object.len(), count + 1);
        }
    }
}
