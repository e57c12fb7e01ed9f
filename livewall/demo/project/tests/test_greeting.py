from __future__ import annotations

import unittest

from greeter.greeting import GREETINGS, greeting


class GreetingTest(unittest.TestCase):
    def test_somebody_is_greeted_by_name(self) -> None:
        self.assertEqual(greeting("Ada"), "Good day, Ada!")

    def test_nobody_is_greeted_too(self) -> None:
        self.assertEqual(greeting(" "), "Good day!")

    def test_every_language_has_its_words(self) -> None:
        for language, words in GREETINGS.items():
            with self.subTest(language=language):
                self.assertEqual(greeting("Ada", language), f"{words}, Ada!")

    def test_a_region_does_not_matter(self) -> None:
        self.assertEqual(greeting("Ada", "de-AT"), "Guten Tag, Ada!")

    def test_an_unknown_language_is_greeted_in_english(self) -> None:
        self.assertEqual(greeting("Ada", "tlh"), "Good day, Ada!")

    def test_space_in_a_name_is_made_even(self) -> None:
        self.assertEqual(greeting(" Ada \n Lovelace "), "Good day, Ada Lovelace!")


if __name__ == "__main__":
    unittest.main()
