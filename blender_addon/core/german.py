"""Owns the German texts: what labels and hints say where Blender speaks German. What has no entry stays English. No bpy.

Blender looks the labels of operators up in the context "Operator", and everything else in "*".
"""

from __future__ import annotations

OPERATORS = {
    "Add Image Plane": "Bildebene hinzufügen",
    "Add to Compositor": "In den Compositor",
    "Add to Sequencer": "In den Sequenzer",
    "Bake": "Backen",
    "Cancel": "Abbrechen",
    "Choose Variant": "Variante wählen",
    "Clear Pokes": "Alle Stupser entfernen",
    "Convert to Image Plane": "In Bildebene umwandeln",
    "Copy Diagnostics": "Diagnose kopieren",
    "Delete Variant": "Variante löschen",
    "Duplicate Poke": "Stupser duplizieren",
    "Extract From Images": "Aus Bildern gewinnen",
    "Extract From Movie": "Aus Film gewinnen",
    "Extract From Movie Clip": "Aus Filmclip gewinnen",
    "Extract From Variant": "Aus Variante gewinnen",
    "Find Missing Results": "Fehlende Ergebnisse suchen",
    "Mirror Pokes": "Stupser spiegeln",
    "More Like This": "Mehr davon",
    "Open Log": "Protokoll öffnen",
    "Open Preferences": "Einstellungen öffnen",
    "Poke Tool": "Stups-Werkzeug",
    "Re-roll": "Neu würfeln",
    "Recall Settings": "Einstellungen zurückholen",
    "Release Memory": "Speicher freigeben",
    "Remove Poke": "Stupser entfernen",
    "Sample": "Varianten erzeugen",
    "Sample Freely": "Frei erzeugen",
    "Set Up Backend": "Backend einrichten",
    "Start Backend": "Backend starten",
    "Still": "Standbild",
    "Stop Backend": "Backend beenden",
    "To Compositor": "In den Compositor",
    "To Sequencer": "In den Sequenzer",
    "Transfer": "Übertragen",
    "Use Its Image": "Sein Bild verwenden",
    "Use an Environment": "Umgebung verwenden",
    "Variant": "Variante",
}

OTHERS = {
    "Add a photograph, then drag arrows on it with the Poke tool": (
        "Ein Foto hinzufügen und mit dem Stups-Werkzeug Pfeile darauf ziehen"
    ),
    "Arrows over {px} px are longer than the model was trained for": (
        "Pfeile über {px} px sind länger als alles, womit das Modell trainiert wurde"
    ),
    "Backend": "Backend",
    "Bake": "Backen",
    "Connection File": "Verbindungsdatei",
    "Cyclic": "Zyklisch",
    "Depth": "Tiefe",
    "Difference": "Unterschied",
    "Drag from the part that is to move to where it goes": "Vom Teil, der sich bewegen soll, dorthin ziehen, wohin er soll",
    "Easing": "Beschleunigung",
    "File Name": "Dateiname",
    "First Number": "Erste Nummer",
    "Fit Length": "Länge anpassen",
    "Folder": "Ordner",
    "History": "Verlauf",
    "Kinematics": "Bewegungen",
    "Like variant {number} of seed {seed}": "Wie Variante {number} zu Seed {seed}",
    "Live": "Live",
    "Lock Seed": "Seed festhalten",
    "Loop": "Schleife",
    "Own Region": "Eigener Ausschnitt",
    "Pace": "Tempo",
    "Pick the Poke tool and drag from the part that is to move to where it goes": (
        "Das Stups-Werkzeug wählen und vom Teil, der sich bewegen soll, dorthin ziehen, wohin er soll"
    ),
    "Plate": "Bild",
    "Poke": "Stupsen",
    "Pokes": "Stupser",
    "Sample": "Erzeugen",
    "Seed": "Seed",
    "Start": "Anfang",
    "Strength": "Stärke",
    "The files of {count} samples are missing, such as {path}": "Die Dateien von {count} Aufträgen fehlen, etwa {path}",
    "Transfer": "Übertragen",
    "Variants": "Varianten",
    "Variants appear here after Sample": "Hier erscheinen die Varianten, die erzeugt wurden",
    "{count} pokes": "{count} Stupser",
    "{size} MB loaded": "{size} MB geladen",
}

TEXTS = {("Operator", text): german for text, german in OPERATORS.items()} | {
    ("*", text): german for text, german in OTHERS.items()
}
