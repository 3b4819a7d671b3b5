//! The clouds that Defender's API is offered in, and the regions of the commercial one. Facts: Microsoft's page of supported
//! APIs for each cloud; hosts of regions are offered for their distance alone, and the login stays the global one.

use super::Endpoints;

/// Where a tenant lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    Commercial,
    /// US Government GCC: its own API host, the commercial login.
    Gcc,
    GccHigh,
    /// The hosts of GCC High.
    Dod,
    /// Hosts that the settings name.
    Custom,
}

/// A region of the commercial cloud that has a host of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    Us,
    Eu,
    Uk,
    Au,
    /// Switzerland.
    Swa,
    /// India.
    Ina,
}

/// Why a word names no cloud that can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownCloud {
    /// The one that 21Vianet operates.
    #[error(
        "the cloud in China, operated by 21Vianet, cannot be used: Microsoft publishes no API of Defender for Endpoint there"
    )]
    China,
    #[error("must be commercial, gcc, gcc-high, dod or custom")]
    NoCloud,
}

impl Cloud {
    /// Reads `cloud`.
    ///
    /// # Errors
    /// Why it is none.
    pub fn of_word(word: &str) -> Result<Cloud, UnknownCloud> {
        match word {
            "commercial" => Ok(Cloud::Commercial),
            "gcc" => Ok(Cloud::Gcc),
            "gcc-high" => Ok(Cloud::GccHigh),
            "dod" => Ok(Cloud::Dod),
            "custom" => Ok(Cloud::Custom),
            _ if is_china(word) => Err(UnknownCloud::China),
            _ => Err(UnknownCloud::NoCloud),
        }
    }

    /// What it fills in; nothing for [`Cloud::Custom`].
    #[must_use]
    pub fn endpoints(self, region: Option<Region>) -> Option<Endpoints> {
        match self {
            Cloud::Commercial => Some(match region {
                Some(region) => Endpoints {
                    api_base: format!("https://{}.api.security.microsoft.com", region.word()),
                    ..Endpoints::commercial()
                },
                None => Endpoints::commercial(),
            }),
            Cloud::Gcc => Some(Endpoints::gcc()),
            Cloud::GccHigh | Cloud::Dod => Some(Endpoints::gcc_high()),
            Cloud::Custom => None,
        }
    }
}

/// The names that this cloud goes by in Azure's tools and among those who use them.
fn is_china(word: &str) -> bool {
    let word: String = word
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    ["china", "21vianet", "mooncake", "gallatin", "chinacloudapi"]
        .iter()
        .any(|name| word.contains(name))
        || matches!(word.as_str(), "cn" | "vianet" | "azurecn" | "prc")
}

impl Region {
    const ALL: [Region; 6] = [
        Region::Us,
        Region::Eu,
        Region::Uk,
        Region::Au,
        Region::Swa,
        Region::Ina,
    ];

    /// Its word in `region` and in its host.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Region::Us => "us",
            Region::Eu => "eu",
            Region::Uk => "uk",
            Region::Au => "au",
            Region::Swa => "swa",
            Region::Ina => "ina",
        }
    }

    /// Reads `region`.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Region> {
        Region::ALL.into_iter().find(|region| region.word() == word)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_cloud_and_region_has_its_hosts_and_its_audience() {
        const WORLD: &str = "https://login.microsoftonline.com";
        const US: &str = "https://login.microsoftonline.us";
        const API: &str = "https://api.securitycenter.microsoft.com";
        const GCC: &str = "https://api-gcc.securitycenter.microsoft.us";
        const GOV: &str = "https://api-gov.securitycenter.microsoft.us";
        const COMMERCIAL: &str = "https://api.security.microsoft.com";
        for (cloud, region, api_base, authority, audience) in [
            ("commercial", None, COMMERCIAL, WORLD, API),
            (
                "commercial",
                Some("us"),
                "https://us.api.security.microsoft.com",
                WORLD,
                API,
            ),
            (
                "commercial",
                Some("eu"),
                "https://eu.api.security.microsoft.com",
                WORLD,
                API,
            ),
            (
                "commercial",
                Some("uk"),
                "https://uk.api.security.microsoft.com",
                WORLD,
                API,
            ),
            (
                "commercial",
                Some("au"),
                "https://au.api.security.microsoft.com",
                WORLD,
                API,
            ),
            (
                "commercial",
                Some("swa"),
                "https://swa.api.security.microsoft.com",
                WORLD,
                API,
            ),
            (
                "commercial",
                Some("ina"),
                "https://ina.api.security.microsoft.com",
                WORLD,
                API,
            ),
            ("gcc", None, GCC, WORLD, GCC),
            ("gcc-high", None, GOV, US, GOV),
            ("dod", None, GOV, US, GOV),
        ] {
            let region = region.map(|word| Region::of_word(word).unwrap());
            let e = Cloud::of_word(cloud).unwrap().endpoints(region).unwrap();
            assert_eq!(
                (e.api_base.as_str(), e.authority.as_str(), e.audience()),
                (api_base, authority, audience),
                "{cloud} {region:?}"
            );
            assert_eq!(e.token_scope, format!("{audience}/.default"), "{cloud}");
            let checked = Endpoints::custom(&e.api_base, &e.authority, &e.token_scope, false);
            assert_eq!(checked, Ok(e), "a preset passes the check of hosts");
        }
        assert_eq!(Cloud::of_word("custom").unwrap().endpoints(None), None);
    }

    #[test]
    fn china_is_refused_by_whatever_name_it_goes() {
        for word in [
            "china",
            "China",
            "azure-china",
            "AzureChinaCloud",
            "21vianet",
            "21-Vianet",
            "microsoft-21vianet",
            "mooncake",
            "gallatin",
            "cn",
            "chinacloudapi.cn",
        ] {
            assert_eq!(Cloud::of_word(word), Err(UnknownCloud::China), "{word}");
        }
        for word in ["", "gcc_high", "gcchigh", "Commercial", "eu", "public"] {
            assert_eq!(Cloud::of_word(word), Err(UnknownCloud::NoCloud), "{word}");
        }
    }
}
