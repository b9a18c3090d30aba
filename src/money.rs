//! Currencies. Amounts are integers in the minor unit, in fields ending in `_minor`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The active currency codes of ISO 4217, without funds, metals and test codes.
const CODES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL \
    BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR \
    FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY \
    KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU \
    MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD \
    RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY \
    TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG";

/// The code of a currency, as in `INR`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "INR")]
pub struct Currency([u8; 3]);

impl FromStr for Currency {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        // Each code and the space behind it are four characters: rows are read by the million.
        let known =
            |code: &[u8; 3]| CODES.as_bytes().chunks(4).any(|known| known.starts_with(code));
        match code.as_bytes().try_into() {
            Ok(code) if known(&code) => Ok(Self(code)),
            _ => Err("must be an ISO 4217 currency code such as INR".into()),
        }
    }
}

impl Currency {
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many decimals amounts have. Source: ISO 4217, table A.1.
    #[must_use]
    pub fn decimals(&self) -> usize {
        match self.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF"
            | "UGX" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }

    /// An amount in the major unit, exact: 6050 paise are `60.50`.
    #[must_use]
    pub fn decimal(&self, amount_minor: i64) -> String {
        let decimals = self.decimals();
        let sign = if amount_minor < 0 { "-" } else { "" };
        let digits = format!("{:0width$}", amount_minor.unsigned_abs(), width = decimals + 1);
        match digits.split_at(digits.len() - decimals) {
            (whole, "") => format!("{sign}{whole}"),
            (whole, fraction) => format!("{sign}{whole}.{fraction}"),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = String;
    fn try_from(code: String) -> Result<Self, String> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let decimal = |code: &str, amount| code.parse::<Currency>().unwrap().decimal(amount);
        assert_eq!(decimal("INR", 6050), "60.50");
        assert_eq!(decimal("INR", 5), "0.05");
        assert_eq!(decimal("INR", -1205), "-12.05");
        assert_eq!(decimal("JPY", 500), "500");
        assert_eq!(decimal("KWD", 1), "0.001");
        assert_eq!(decimal("INR", i64::MIN), "-92233720368547758.08");
    }

    #[test]
    fn known_codes_are_taken_and_others_refused() {
        assert_eq!("INR".parse::<Currency>().unwrap().to_string(), "INR");
        for code in ["", "inr", "XYZ", "INRR", "₹"] {
            assert!(code.parse::<Currency>().is_err(), "{code}");
        }
    }
}
