"""The German texts: what labels and hints say where Blender speaks German. What has no entry stays English. No bpy.

Blender looks the labels of operators up in the context "Operator", and everything else in "*", in its own texts before ours.
Words that Blender uses for other things (a sample of light, a cylinder) therefore have a context of our own.
"""

from __future__ import annotations

CONTEXT = "iPOKE"

OPERATORS = {
    "Add iPOKE Plate": "iPOKE-Bild hinzufügen",
    "Add Pin": "Nadel hinzufügen",
    "Add Poke": "Stupser hinzufügen",
    "Add to Compositor": "In den Compositor",
    "Add to Sequencer": "In den Sequenzer",
    "Allow Online Access": "Online-Zugriff erlauben",
    "Back to the Plate": "Zurück zur Bildebene",
    "Frames of this name are there already": "Bilder dieses Namens sind schon da",
    "Keep Both": "Beide behalten",
    "Bake": "Backen",
    "Cancel": "Abbrechen",
    "Choose Variant": "Variante wählen",
    "Clear Pokes": "Alle Stupser entfernen",
    "Clear Strokes": "Striche entfernen",
    "Convert to Image Plane": "In Bildebene umwandeln",
    "Copy Diagnostics": "Diagnose kopieren",
    "Delete Variant": "Variante löschen",
    "Duplicate Poke": "Stupser duplizieren",
    "Extract From Images": "Aus Bildern gewinnen",
    "Extract From Movie": "Aus Film gewinnen",
    "Extract From Movie Clip": "Aus Filmclip gewinnen",
    "Extract From Variant": "Aus Variante gewinnen",
    "Find Missing Results": "Fehlende Ergebnisse suchen",
    "Find Thing": "Gegenstand suchen",
    "iPOKE Plate": "iPOKE-Bild",
    "Larger or Smaller Thing": "Mehr oder weniger vom Gegenstand",
    "Mark Thing": "Gegenstand ausbessern",
    "Mirror Pokes": "Stupser spiegeln",
    "More Like This": "Mehr davon",
    "Next Variant": "Nächste Variante",
    "Open Log": "Protokoll öffnen",
    "Open Preferences": "Einstellungen öffnen",
    "Pictures in Solid View": "Bilder in der Solid-Ansicht",
    "Poke Tool": "Stups-Werkzeug",
    "Re-roll": "Neu würfeln",
    "Recall Settings": "Zurückholen",
    "Release Memory": "Speicher freigeben",
    "Remove Poke": "Stupser entfernen",
    "Sample Freely": "Frei erzeugen",
    "Set Up Backend": "Backend einrichten",
    "Show Bake": "Gebackenes zeigen",
    "Show Original Still": "Ursprüngliches Standbild zeigen",
    "Show Samples": "Varianten zeigen",
    "Show Still": "Standbild zeigen",
    "Show True Colours": "Wahre Farben zeigen",
    "Show Variant": "Variante zeigen",
    "Start Backend": "Backend starten",
    "Start Here": "Hier beginnen",
    "Still": "Standbild",
    "Stop Backend": "Backend beenden",
    "Take as Mesh": "Als Netz übernehmen",
    "To Compositor": "Compositor",
    "To Sequencer": "Sequenzer",
    "Transfer": "Übertragen",
    "Use an Environment": "Umgebung verwenden",
    "Use Image as Mask": "Bild als Maske verwenden",
    "Use Its Image": "Sein Bild verwenden",
    "Variant": "Variante",
}

OTHERS = {
    ", 1 stroke": ", 1 Strich",
    ", {count} strokes": ", {count} Striche",
    "1 arrow": "1 Pfeil",
    "1 poke": "1 Stupser",
    "Add a photograph, then drag arrows on it with the Poke tool": (
        "Ein Foto hinzufügen und mit dem Stups-Werkzeug Pfeile darauf ziehen"
    ),
    "All that the model sees moves as a whole": "Alles, was das Modell sieht, bewegt sich als Ganzes",
    "Arrows over {px} px are longer than the model was trained for": (
        "Pfeile über {px} px sind länger als alles, womit das Modell trainiert wurde"
    ),
    "As the Plate": "Wie das Bild",
    "Automatic": "Automatisch",
    "Backend": "Backend",
    "Bake": "Backen",
    "Bake the chosen variant first": "Zuerst die gewählte Variante backen",
    "Baking": "Backt",
    "Blender is offline: allow online access for the download, or have a folder of wheels": (
        "Blender ist offline: den Online-Zugriff für das Herunterladen erlauben, oder einen Ordner mit Paketen haben"
    ),
    "Blender is offline, and downloads nothing": "Blender ist offline und lädt nichts herunter",
    "Brush": "Pinsel",
    "Camera Frame": "Kamerarahmen",
    "Cancelled": "Abgebrochen",
    "Chain": "Kette",
    "Choose an image that is white where the thing is": "Ein Bild wählen, das weiß ist, wo der Gegenstand ist",
    "Choose Solid in this 3D view's shading, with Texture or Material as colour": (
        "In der Schattierung dieser 3D-Ansicht Solid wählen, mit Textur oder Material als Farbe"
    ),
    "Colour Space": "Farbraum",
    "Connection File": "Verbindungsdatei",
    "{count} arrows": "{count} Pfeile",
    "{count} frames": "{count} Bilder",
    "{count} pokes": "{count} Stupser",
    "{count} variants are there": "{count} Varianten sind da",
    "D and a drag adds to the thing, Shift D takes away": "D und Ziehen fügt zum Gegenstand hinzu, Umschalt D nimmt weg",
    "D and a drag adds to the thing, Shift D takes away, [ ] takes less or more": (
        "D und Ziehen fügt zum Gegenstand hinzu, Umschalt D nimmt weg, [ ] nimmt weniger oder mehr"
    ),
    "Depth": "Tiefe",
    "Device": "Gerät",
    "Difference": "Unterschied",
    "{done} of {total}": "{done} von {total}",
    "Drag a part to where it goes, or click to pin it": "Einen Teil dorthin ziehen, wohin er soll; ein Klick hält ihn fest",
    "Draw an arrow first": "Zuerst einen Pfeil zeichnen",
    "Draw an arrow on a thing, and it is found": "Einen Pfeil auf einen Gegenstand zeichnen, und er wird gefunden",
    "Draw an arrow on the plate with the Poke tool first": "Zuerst mit dem Stups-Werkzeug einen Pfeil auf das Bild zeichnen",
    "Draw in a 3D view in Object Mode": "In einer 3D-Ansicht im Objektmodus zeichnen",
    "Extracting the motion": "Gewinnt die Bewegung",
    "Facing": "Blickrichtung",
    "File Name": "Dateiname",
    "Find in the Picture": "Im Bild suchen",
    "First Number": "Erste Nummer",
    "Fit Length": "Länge anpassen",
    "Folder": "Ordner",
    "Found in the picture": "Im Bild gefunden",
    "Frame in View": "In der Ansicht zeigen",
    "Frames": "Bilder",
    "Free Ground": "Boden lösen",
    "From the own mask": "Aus der eigenen Maske",
    "From the plate's alpha": "Aus dem Alpha des Bildes",
    "From the strokes alone": "Allein aus den Strichen",
    "Group": "Gruppe",
    "iPOKE Plate": "iPOKE-Bild",
    "Kinematics": "Bewegungen",
    "Leave the object's edit mode first": "Zuerst den Bearbeitungsmodus verlassen",
    "like {number} of {seed}": "wie {number} von {seed}",
    "Like variant {number} of seed {seed}": "Wie Variante {number} zu Startwert {seed}",
    "Live": "Live",
    "Live preview": "Live-Vorschau",
    "Lock Seed": "Startwert festhalten",
    "Looking for the thing": "Sucht den Gegenstand",
    "Loop": "Schleife",
    "Mask": "Maske",
    "Mirror": "Spiegeln",
    "mirrored": "gespiegelt",
    "Model": "Modell",
    "{model} takes {count} arrows at most": "{model} nimmt höchstens {count} Pfeile",
    "Models": "Modelle",
    "Motions that are extracted appear here, to be replayed on any plate": (
        "Hier erscheinen gewonnene Bewegungen, die sich auf jedem Bild wiedergeben lassen"
    ),
    "No backend was found on this machine; press Set Up Backend.": (
        "Auf diesem Rechner wurde kein Backend gefunden; Backend einrichten drücken."
    ),
    "No strokes were painted": "Es wurde kein Strich gemalt",
    "Not running; it starts with the first sample": "Läuft nicht; es startet mit dem ersten Erzeugen",
    "Not running; it starts with the next sample": "Läuft nicht; es startet mit dem nächsten Erzeugen",
    "Nothing is being made for this plate": "Für dieses Bild wird nichts erzeugt",
    "Nothing is found here: paint it with D and a drag": "Hier ist nichts gefunden: mit D und Ziehen malen",
    "Nothing is missing": "Es fehlt nichts",
    "Nothing was found in the picture yet; draw an arrow on a thing first": (
        "Im Bild wurde noch nichts gefunden; zuerst einen Pfeil auf einen Gegenstand zeichnen"
    ),
    "Nothing was found; paint the thing with D and a drag": "Nichts gefunden; den Gegenstand mit D und Ziehen malen",
    "Once": "Einmal",
    "Ones": "Einer",
    "Open a movie clip in the Movie Clip editor first": "Zuerst einen Filmclip im Filmclip-Editor öffnen",
    "Own Mask": "Eigene Maske",
    "Own Region": "Ausschnitt",
    "own region": "eigener Ausschnitt",
    "Own Timing": "Eigener Zeitablauf",
    "Own Variation": "Eigene Streuung",
    "Pace": "Tempo",
    "Part": "Teil",
    "Pick the Poke tool and drag from the part that is to move to where it goes": (
        "Das Stups-Werkzeug wählen und vom Teil, der sich bewegen soll, dorthin ziehen, wohin er soll"
    ),
    "Pins alone move nothing; drag an arrow from the part that is to move": (
        "Nadeln allein bewegen nichts; einen Pfeil von dem Teil ziehen, der sich bewegen soll"
    ),
    "Plane": "Ebene",
    "Plate": "Bild",
    "Play When Frames Arrive": "Abspielen, wenn Bilder kommen",
    "Poke": "Stupsen",
    "Pokes": "Stupser",
    "Processor": "Prozessor",
    "Sample first": "Zuerst Varianten erzeugen",
    "Sample, then choose a variant": "Varianten erzeugen und eine wählen",
    "Samples are free already": "Es wird schon frei erzeugt",
    "Sampling": "Erzeugt Varianten",
    "Seconds": "Sekunden",
    "Select a mesh whose material shows an image": "Ein Mesh auswählen, dessen Material ein Bild zeigt",
    "Select a reference image in Object Mode": "Ein Referenzbild im Objektmodus auswählen",
    "Select a mesh that was taken from a plate": "Ein Netz auswählen, das von einer Bildebene übernommen wurde",
    "Select an image plane": "Eine Bildebene auswählen",
    "Sequencer": "Sequenzer",
    "Set Length": "Länge festlegen",
    "Set Up": "Einrichten",
    "Settle": "Ausschwingen",
    "Show Arrows": "Pfeile zeigen",
    "Show In": "Zeigen in",
    "{size} MB loaded": "{size} MB geladen",
    "Something is being made for this plate; wait for it or cancel it": (
        "Für dieses Bild wird gerade etwas erzeugt; warten oder abbrechen"
    ),
    "Start": "Anfang",
    "Start the backend first: it says how many frames the model takes": (
        "Zuerst das Backend starten: es sagt, wie viele Einzelbilder das Modell braucht"
    ),
    "Starting and loading the model": "Startet und lädt das Modell",
    "Strength": "Stärke",
    "Surface": "Oberfläche",
    "Taking the mesh": "Übernimmt das Netz",
    "The backend finds the thing; press Find Thing, or paint it": (
        "Das Backend findet den Gegenstand; Gegenstand suchen drücken, oder ihn malen"
    ),
    "The backend is busy; wait for it or cancel what it makes": "Das Backend arbeitet; warten oder abbrechen",
    "The backend is not running": "Das Backend läuft nicht",
    "The backend is up": "Das Backend läuft",
    "The bake is there: {count} frames": "Gebacken: {count} Bilder sind da",
    "The chosen variant is a chain of several motions; choose one that was sampled with Chain at 1": (
        "Die gewählte Variante ist eine Kette mehrerer Bewegungen; eine wählen, die mit Kette 1 erzeugt wurde"
    ),
    "The chosen variant replays a motion that the library has already": (
        "Die gewählte Variante gibt eine Bewegung wieder, die schon in der Sammlung ist"
    ),
    "The chosen variant replays a motion; choose one that was sampled": (
        "Die gewählte Variante gibt eine Bewegung wieder; eine erzeugte wählen"
    ),
    "The files of {count} samples are missing, such as {path}": "Die Dateien von {count} Aufträgen fehlen, etwa {path}",
    "The scene shows colours as they are already": "Die Szene zeigt Farben schon so, wie sie sind",
    "The seed is locked to {seed} now, so that Sample makes the same again; the lock beside it frees it": (
        "Der Startwert ist jetzt auf {seed} festgehalten, damit wieder dasselbe entsteht; das Schloss daneben löst ihn"
    ),
    "The variant is there": "Die Variante ist da",
    "The whole region moves; choose another kind of thing first": (
        "Der ganze Ausschnitt bewegt sich; zuerst eine andere Art von Gegenstand wählen"
    ),
    "There is no log; the backend was not started here": "Es gibt kein Protokoll; das Backend wurde nicht von hier gestartet",
    "Thing": "Gegenstand",
    "This solid view shows pictures in their own colours now; the panel Plate has the switch": (
        "Diese Solid-Ansicht zeigt Bilder jetzt in ihren eigenen Farben; der Schalter ist in der Tafel Bild"
    ),
    "This variant moves its whole region; a mesh is made of a thing, so choose one under Thing and sample again": (
        "Diese Variante bewegt den ganzen Ausschnitt; ein Netz entsteht aus einem Gegenstand: dort einen wählen, neu erzeugen"
    ),
    "Threes": "Dreier",
    "{time} left": "noch {time}",
    "Timing": "Zeitablauf",
    "Transfer": "Übertragen",
    "{transform} shows the picture in other colours than it has, mostly paler": (
        "{transform} zeigt das Bild in anderen Farben, als es hat, meist blasser"
    ),
    "Twos": "Zweier",
    "variant {number} of {count}": "Variante {number} von {count}",
    "Variants": "Varianten",
    "Variants appear here after Sample": "Hier erscheinen die Varianten, die erzeugt wurden",
    "Variation": "Streuung",
    "variation {amount}": "Streuung {amount}",
    "Wait until the variant is whole": "Warten, bis die Variante vollständig ist",
    "Waiting for the backend": "Wartet auf das Backend",
    "What differs from the clean plate": "Was sich vom leeren Hintergrund unterscheidet",
    "{what}: done": "{what}: fertig",
    "{what} failed; the sidebar says why": "{what}: gescheitert; die Seitenleiste sagt, warum",
    "Whole Region": "Ganzer Ausschnitt",
}

OWN = {
    "Calm": "Ruhig",
    "Custom": "Eigene Zahl",
    "Cyclic": "Zyklisch",
    "Ease In": "Sanft beginnen",
    "Ease In and Out": "Sanft beginnen und enden",
    "Ease Out": "Sanft enden",
    "Easing": "Beschleunigung",
    "Even": "Gleichmäßig",
    "Frames": "Bilder",
    "Full": "Voll",
    "Gentle": "Sanft",
    "History": "Verlauf",
    "Lively": "Lebhaft",
    "Model's Own": "Wie das Modell",
    "Sample": "Varianten erzeugen",
    "Seconds": "Sekunden",
    "Unit": "Einheit",
    "Variation": "Streuung",
    "Wild": "Wild",
}

TEXTS = {("Operator", text): german for text, german in OPERATORS.items()} | {
    ("*", text): german for text, german in OTHERS.items()
}
TEXTS |= {(CONTEXT, text): german for text, german in OWN.items()}
