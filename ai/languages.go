package ai

import (
	"maps"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// languages maps ISO 639-1 codes to English names, for the languages on which
// multilingual models are trained.
var languages = map[string]string{
	"af": "Afrikaans", "am": "Amharic", "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian", "bg": "Bulgarian",
	"bn": "Bengali", "bs": "Bosnian", "ca": "Catalan", "cs": "Czech", "cy": "Welsh", "da": "Danish", "de": "German",
	"el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish",
	"fr": "French", "ga": "Irish", "gl": "Galician", "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian",
	"hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "is": "Icelandic", "it": "Italian", "ja": "Japanese",
	"ka": "Georgian", "kk": "Kazakh", "km": "Khmer", "kn": "Kannada", "ko": "Korean", "la": "Latin", "lt": "Lithuanian",
	"lv": "Latvian", "mk": "Macedonian", "ml": "Malayalam", "mn": "Mongolian", "mr": "Marathi", "ms": "Malay",
	"my": "Burmese", "nb": "Norwegian", "ne": "Nepali", "nl": "Dutch", "no": "Norwegian", "pa": "Punjabi", "pl": "Polish",
	"ps": "Pashto", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "si": "Sinhala", "sk": "Slovak",
	"sl": "Slovenian", "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu",
	"th": "Thai", "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese",
	"yo": "Yoruba", "zh": "Chinese", "zu": "Zulu",
}

// regions maps locales to the variants of a language that are written differently.
var regions = map[string]string{
	"pt-br": "Brazilian Portuguese", "pt-pt": "European Portuguese", "zh-cn": "Simplified Chinese", "zh-hans": "Simplified Chinese",
	"zh-tw": "Traditional Chinese", "zh-hant": "Traditional Chinese", "en-gb": "British English", "en-us": "American English",
}

// language returns the English name of a language by its code, locale or name.
func language(code string) (string, error) {
	key := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(code)), "_", "-")
	if name := regions[key]; name != "" {
		return name, nil
	}
	base, _, _ := strings.Cut(key, "-")
	if name := languages[base]; name != "" {
		return name, nil
	}
	for _, table := range []map[string]string{languages, regions} {
		for _, name := range table {
			if strings.EqualFold(name, strings.TrimSpace(code)) {
				return name, nil
			}
		}
	}
	return "", sensitive.Errorf("%s is not a known language; give a code (%s) or an English name such as German",
		sensitive.Text(code), strings.Join(slices.Sorted(maps.Keys(languages)), ", "))
}
